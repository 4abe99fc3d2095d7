/** Who reaches whom, how fast, and that no packet is unaccounted for. */
import type { Appliance } from '../run/appliance.ts';
import { type Check, type Exec, expect } from './check.ts';

export function ping(exec: Exec, vm: string, target: string, what: string): Check {
  return {
    name: `${vm}: ping ${target} (${what})`,
    run: async () => {
      const result = await exec(vm, ['ping', '-n', '-c', '3', '-i', '0.2', '-W', '2', target]);
      expect(result.code === 0, result);
      return /rtt.*= (\S+) ms/.exec(result.stdout)?.[1]?.split('/')[1]?.concat(' ms') ?? 'answered';
    },
  };
}

function noPing(exec: Exec, vm: string, target: string, what: string): Check {
  return {
    name: `${vm}: no way to ${target} (${what})`,
    run: async () => {
      const result = await exec(vm, ['ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', target]);
      expect(result.code !== 0, `${target} answered, but belongs to a stranger`);
      return 'silent';
    },
  };
}

export function iperf(exec: Exec, client: string, server: string, target: string): Check {
  return {
    name: `${client}: iperf3 to ${server}, ${target}`,
    run: async () => {
      await exec(server, ['iperf3', '--server', '--one-off', '--daemon']);
      const result = await exec(client, ['iperf3', '--client', target, '--time', '2', '--json'], 20_000);
      expect(result.code === 0, result);
      const report = JSON.parse(result.stdout) as { end: { sum_received: { bits_per_second: number } } };
      const gbit = report.end.sum_received.bits_per_second / 1e9;
      expect(gbit > 0.05, `only ${(gbit * 1000).toFixed(1)} Mbit/s`);
      return `${gbit.toFixed(2)} Gbit/s`;
    },
  };
}

interface PortLedger {
  readonly project: string;
  readonly port: string;
  readonly balanced: boolean;
}

function ledger(appliance: Appliance): Check {
  return {
    name: 'every packet accounted for (rx = tx + drops + punts)',
    run: async () => {
      const { items } = await appliance.json<{ items: PortLedger[] }>(['ports', '-A']);
      const wrong = items.filter(({ balanced }) => !balanced);
      expect(
        wrong.length === 0 && items.length > 0,
        `unbalanced: ${wrong.map(({ project, port }) => `${project}/${port}`).join(', ') || 'no port at all'}`,
      );
      return `${items.length} ports`;
    },
  };
}

export function traffic(appliance: Appliance, exec: Exec): Check[] {
  return [
    ping(exec, 'acme-web', '10.1.0.1', 'its gateway'),
    ping(exec, 'acme-web', '10.1.0.12', 'same network'),
    ping(exec, 'acme-web', '10.2.0.11', 'through the router'),
    ping(exec, 'acme-web', '2001:db8:1::1', 'its gateway'),
    ping(exec, 'acme-web', '2001:db8:1::13', 'same network'),
    ping(exec, 'globex-six', '2001:db8:6::1', 'its gateway'),
    ping(exec, 'globex-web', '10.1.0.12', 'same network, same addresses, other tenant'),
    noPing(exec, 'globex-web', '10.2.0.11', "the other tenant's second network"),
    noPing(exec, 'globex-web', '10.1.0.13', 'an address that only the other tenant has'),
    noPing(exec, 'globex-web', '2001:db8:1::13', 'an address that only the other tenant has'),
    iperf(exec, 'acme-web', 'acme-db', '10.1.0.12'),
    iperf(exec, 'acme-lab', 'acme-web', '10.1.0.11'),
    ledger(appliance),
  ];
}
