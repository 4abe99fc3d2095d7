/** Two network namespaces as VMs on one network of the forwarder, and the rows that make it. */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { Row } from '@weft/kernel/contract/net';
import { bindingTypes, bridgeFlags, forwardingModes, gatewayMac, neighborFlags, portFlags } from '@weft/kernel/contract/net';

const run = promisify(execFile);
let made = 0;

export interface Machine {
  readonly id: number;
  readonly netns: string;
  readonly mac: string;
  readonly address: string;
}

const bridge = 1;
export const gateway = '10.1.0.1';

/** Makes the namespace; the forwarder makes its interface. */
export function makeMachine(id: number): Machine {
  const netns = `wt-${process.pid}-${made++}`;
  execFileSync('ip', ['netns', 'add', netns]);
  execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  return { id, netns, mac: `02:00:00:00:00:0${id}`, address: `10.1.0.1${id}` };
}

export function removeMachine({ netns }: Machine): void {
  execFileSync('ip', ['netns', 'del', netns]);
}

/** Once its port is up. */
export async function configure({ netns, address }: Machine): Promise<void> {
  await run('ip', ['-n', netns, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
  await run('ip', ['-n', netns, 'link', 'set', 'eth0', 'up']);
  await run('ip', ['-n', netns, 'route', 'add', 'default', 'via', gateway]);
}

/** `flags`: of the machines' ports. */
export function networkRows(machines: readonly Machine[], flags: number = portFlags.portSecurity): Row[] {
  return [
    { table: 'vrf', id: bridge },
    {
      table: 'bridge',
      id: bridge,
      vrf: bridge,
      vni: 5001,
      mtu: 1500,
      mode: forwardingModes.l2_l3,
      flags: bridgeFlags.floodUnknown,
      floodRate: 0,
    },
    { table: 'neighbor', bridge, address: gateway, mac: gatewayMac, flags: neighborFlags.gateway },
    ...machines.flatMap(({ id, netns, mac, address }): Row[] => [
      {
        table: 'port',
        id,
        bridge,
        parent: 0,
        flags,
        mac,
        mtu: 1500,
        vlan: 0,
        binding: bindingTypes.netns,
        interface: 'eth0',
        netns,
        socket: '',
      },
      { table: 'source', port: id, prefixLength: 32, mac, address },
      { table: 'mac', bridge, mac, port: id },
      { table: 'neighbor', bridge, address, mac, flags: 0 },
    ]),
  ];
}

/** Packets lost of `count`, sent every `intervalMs`. */
export async function ping(from: Machine, address: string, count: number, intervalMs = 20): Promise<number> {
  const options = [
    'netns',
    'exec',
    from.netns,
    'ping',
    '-n',
    '-q',
    '-c',
    String(count),
    '-i',
    String(intervalMs / 1000),
    '-W',
    '1',
    address,
  ];
  const { stdout } = await run('ip', options).catch((failed: { stdout: string }) => failed);
  return count - Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
}

/** What a shell command prints inside the machine. */
export async function inside({ netns }: Machine, command: string): Promise<string> {
  return (await run('ip', ['netns', 'exec', netns, 'sh', '-c', command])).stdout;
}
