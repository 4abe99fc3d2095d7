/** Rules for VirtualNetworks. */
import type { Port, VirtualNetwork } from '@weft/kernel/contract/net';
import { formatIpv4, formatPrefix, isHost, overlaps, parseIpv4 } from '../ipv4.ts';
import { readSubnet, type Subnet } from '../subnet.ts';
import type { Refusals } from './refusals.ts';
import { scopedName, titleOf, type World } from './world.ts';

export function checkNetworks(
  written: readonly { before: VirtualNetwork | null; after: VirtualNetwork }[],
  world: World,
  refusals: Refusals,
): void {
  for (const { before, after } of written) {
    checkForwarding(after, refusals);
    const subnets = checkSubnets(after, refusals);
    if (before && !refusals.has(after)) checkPortsFit(after, subnets, world, refusals);
  }
  checkVnis(
    written.map(({ after }) => after),
    world,
    refusals,
  );
}

function checkForwarding(network: VirtualNetwork, refusals: Refusals): void {
  const { forwarding } = network.spec;
  if (forwarding !== 'l2_l3') {
    refusals.add(
      network,
      '/spec/forwarding',
      `forwarding ${forwarding} is not supported by this version`,
      'use l2_l3, or leave the field out',
    );
  }
}

function checkSubnets(network: VirtualNetwork, refusals: Refusals): readonly Subnet[] {
  const subnets: Subnet[] = [];
  const routed = new Set<string>();
  for (const [index, spec] of network.spec.subnets.entries()) {
    const pointer = `/spec/subnets/${index}`;
    const { subnet, problems } = readSubnet(spec, pointer);
    refusals.addAll(network, problems);
    if (!subnet) continue;
    const other = subnets.find((earlier) => overlaps(earlier.prefix, subnet.prefix));
    if (other) {
      const message = `${spec.cidr} overlaps ${formatPrefix(other.prefix)} of the same network`;
      refusals.add(network, `${pointer}/cidr`, message, 'choose prefixes that do not overlap');
    }
    subnets.push(subnet);
    for (const [at, route] of subnet.routes.entries()) {
      const prefix = formatPrefix(route.prefix);
      if (routed.has(prefix)) {
        const message = `the network has a route to ${prefix} already`;
        refusals.add(network, `${pointer}/routes/${at}/prefix`, message, 'keep one of them');
      }
      routed.add(prefix);
    }
  }
  return subnets;
}

/** Ports that the transaction leaves alone must still have a place. */
function checkPortsFit(network: VirtualNetwork, subnets: readonly Subnet[], world: World, refusals: Refusals): void {
  const others = (world.portsOf.get(scopedName(network)) ?? []).filter((port) => !world.changed.has(titleOf(port)));
  const homeless = others.filter((port) => port.status.addresses.some((text) => !fits(text, subnets)));
  if (homeless.length > 0) {
    const message = `${namesOf(homeless)} would lose the address ${lostAddress(homeless, subnets)}`;
    refusals.add(network, '/spec/subnets', message, 'keep the subnet, or delete these ports or give them other addresses first');
  }
  for (const [index, subnet] of subnets.entries()) {
    const gateway = formatIpv4(subnet.gateway);
    const holder = others.find((port) => port.status.addresses.includes(gateway));
    if (holder) {
      const message = `gateway ${gateway} is the address of ${titleOf(holder)}`;
      refusals.add(network, `/spec/subnets/${index}/gateway`, message, 'choose another gateway, or give the port another address first');
    }
  }
}

function fits(text: string, subnets: readonly Subnet[]): boolean {
  const address = parseIpv4(text);
  return address !== undefined && subnets.some((subnet) => isHost(subnet.prefix, address));
}

function lostAddress(ports: readonly Port[], subnets: readonly Subnet[]): string {
  return ports.flatMap((port) => port.status.addresses.filter((text) => !fits(text, subnets)))[0] ?? '';
}

function namesOf(ports: readonly Port[]): string {
  const [first, ...rest] = ports;
  const name = first ? titleOf(first) : '';
  return rest.length === 0 ? name : `${name} and ${rest.length} more`;
}

function checkVnis(written: readonly VirtualNetwork[], world: World, refusals: Refusals): void {
  const writtenNames = new Set(written.map(scopedName));
  const holders = new Map<number, VirtualNetwork>();
  for (const network of world.networks.values()) if (!writtenNames.has(scopedName(network))) holders.set(network.status.vni, network);
  for (const network of written) {
    const { vni } = network.spec;
    if (vni === undefined) continue;
    const holder = holders.get(vni);
    if (holder) {
      refusals.add(
        network,
        '/spec/vni',
        `VNI ${vni} belongs to ${titleOf(holder)}`,
        'choose another one, or leave vni out to have one allocated',
      );
    }
    holders.set(vni, network);
  }
}
