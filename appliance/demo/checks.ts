/** What the demo shows: each check drives real clients inside the VMs and says in a few words what it saw. */
import type { Appliance, Result } from '../run/appliance.ts';

export interface Check {
  readonly name: string;
  /** What was seen; an exception carries what went wrong. */
  run(): Promise<string>;
}

/** Runs a program inside a VM of the lab. */
export type Exec = (vm: string, command: readonly string[], timeoutMs?: number) => Promise<Result>;

function expect(condition: boolean, result: Result | string): asserts condition {
  if (condition) return;
  throw new Error(
    typeof result === 'string' ? result : `exit ${result.code}: ${(result.stdout + result.stderr).trim().split('\n').slice(-6).join('\n')}`,
  );
}

async function address(exec: Exec, vm: string): Promise<string> {
  const { stdout } = await exec(vm, ['ip', '-4', '-o', 'address', 'show', 'dev', 'eth0']);
  return /inet (\S+)/.exec(stdout)?.[1] ?? 'no address';
}

function lease(exec: Exec, vm: string, wanted: string, command: readonly string[]): Check {
  return {
    name: `${vm}: lease by ${command[0]}`,
    run: async () => {
      const result = await exec(vm, command, 30_000);
      const got = await address(exec, vm);
      expect(got === `${wanted}/24`, result.code === 0 ? `got ${got}, wanted ${wanted}/24` : result);
      return got;
    },
  };
}

function dig(exec: Exec, vm: string, query: readonly string[], wanted: string): Check {
  return {
    name: `${vm}: dig ${query.join(' ')}`,
    run: async () => {
      const result = await exec(vm, ['dig', '+short', '+tries=2', '+time=3', '@10.1.0.1', ...query]);
      expect(
        result.code === 0 && result.stdout.trim() === wanted,
        result.code === 0 ? `answer "${result.stdout.trim()}", wanted "${wanted}"` : result,
      );
      return result.stdout.trim() || 'no such name';
    },
  };
}

function ping(exec: Exec, vm: string, target: string, what: string): Check {
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

function iperf(exec: Exec, client: string, server: string, target: string): Check {
  return {
    name: `${client}: iperf3 to ${server}`,
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

/** What a VM does where no DHCP server is: its operator sets the address. */
function byHand(exec: Exec, vm: string, wanted: string): Check {
  return {
    name: `${vm}: address set by hand`,
    run: async () => {
      const gateway = wanted.replace(/\d+$/, '1');
      const result = await exec(vm, ['sh', '-c', `ip address replace ${wanted}/24 dev eth0 && ip route replace default via ${gateway}`]);
      expect(result.code === 0, result);
      return address(exec, vm);
    },
  };
}

function leases(exec: Exec, dhcp: boolean): Check[] {
  const client = (vm: string, wanted: string, command: readonly string[]) =>
    dhcp ? lease(exec, vm, wanted, command) : byHand(exec, vm, wanted);
  const dhclient = ['dhclient', '-1', '-v', '-pf', '/run/dhclient.pid', 'eth0'];
  const udhcpc = ['udhcpc', '-i', 'eth0', '-q', '-n', '-t', '5'];
  return [
    client('acme-web', '10.1.0.11', dhclient),
    client('acme-db', '10.1.0.12', udhcpc),
    client('acme-lab', '10.2.0.11', dhclient),
    // --noarp: the client would listen five seconds for somebody else with its address.
    client('globex-web', '10.1.0.11', ['dhcpcd', '-4', '-1', '--noarp', '-t', '20', 'eth0']),
    client('globex-db', '10.1.0.12', udhcpc),
  ];
}

function names(exec: Exec): Check[] {
  return [
    dig(exec, 'acme-web', ['db.acme.example'], '10.1.0.12'),
    dig(exec, 'acme-web', ['db'], '10.1.0.12'),
    dig(exec, 'acme-web', ['-x', '10.1.0.12'], 'db.acme.example.'),
    dig(exec, 'globex-web', ['-x', '10.1.0.12'], 'db.globex.example.'),
    dig(exec, 'globex-web', ['db.acme.example'], ''),
    dig(exec, 'acme-web', ['www.upstream.test'], '203.0.113.80'),
  ];
}

/** The demo's story, in order. A plugin whose folder is gone is left out of it. */
export function story(appliance: Appliance, exec: Exec, plugins: readonly string[]): Check[] {
  return [
    ...leases(exec, plugins.includes('dhcp')),
    ...(plugins.includes('dns') ? names(exec) : []),
    ping(exec, 'acme-web', '10.1.0.1', 'its gateway'),
    ping(exec, 'acme-web', '10.1.0.12', 'same network'),
    ping(exec, 'acme-web', '10.2.0.11', 'through the router'),
    ping(exec, 'globex-web', '10.1.0.12', 'same network, same addresses, other tenant'),
    noPing(exec, 'globex-web', '10.2.0.11', "the other tenant's second network"),
    noPing(exec, 'globex-web', '10.1.0.13', 'an address that only the other tenant has'),
    iperf(exec, 'acme-web', 'acme-db', '10.1.0.12'),
    iperf(exec, 'acme-lab', 'acme-web', '10.1.0.11'),
    ledger(appliance),
  ];
}
