/** Cables between the machines outside, and what their interfaces are told, by iproute2. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LabFailure } from './failure.ts';
import type { OutsideInterface, OutsideMachine } from './outside.ts';
import { ip, ipProgram, run } from './program.ts';

const bridge = 'switch0';
/** For the appliance to make the far end of an uplink. */
const appearMs = 30_000;
const pollMs = 100;

/** Joins the ends of each cable. The namespaces are there already. */
export async function layCables(machines: readonly OutsideMachine[], namespace: (machine: string) => string): Promise<void> {
  const ends = machines.flatMap(({ name, interfaces }) =>
    interfaces.flatMap((link) => ('cable' in link ? [{ cable: link.cable, netns: namespace(name), interface: link.interface }] : [])),
  );
  for (const cable of new Set(ends.map((end) => end.cable))) {
    const [a, b] = ends.filter((end) => end.cable === cable);
    if (a === undefined || b === undefined) continue;
    await ip('link', 'add', a.interface, 'netns', a.netns, 'type', 'veth', 'peer', 'name', b.interface, 'netns', b.netns);
  }
}

/** Addresses, MTUs and routes of a machine. Waits for the ends of uplinks, which the appliance makes. */
export async function setUp(machine: OutsideMachine, netns: string): Promise<void> {
  const inside = (...args: string[]): Promise<string> => ip('-n', netns, ...args);
  if (machine.role === 'switch') await inside('link', 'add', bridge, 'up', 'type', 'bridge', 'mcast_snooping', '0');
  if (machine.role === 'router')
    await ip('netns', 'exec', netns, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  for (const link of machine.interfaces) {
    if ('uplink' in link) await appears(link, machine.name, netns);
    if (machine.role === 'switch') await inside('link', 'set', link.interface, 'master', bridge);
    await inside('link', 'set', link.interface, ...(link.mtu === undefined ? [] : ['mtu', String(link.mtu)]), 'up');
    for (const address of link.addresses) {
      const settled = address.includes(':') ? ['nodad'] : [];
      await inside('address', 'replace', address, 'dev', link.interface, ...settled);
    }
  }
  for (const route of machine.routes) await inside(route.includes(':') ? '-6' : '-4', 'route', 'replace', ...route.split(/\s+/));
}

async function appears(link: OutsideInterface, machine: string, netns: string): Promise<void> {
  for (const until = Date.now() + appearMs; Date.now() < until; await sleep(pollMs))
    if ((await run(ipProgram, ['-n', netns, 'link', 'show', link.interface])).code === 0) return;
  throw new LabFailure(`the far end of its uplink does not appear after ${appearMs / 1000} s`, machine, 'see: weft get uplink -o wide', 3);
}
