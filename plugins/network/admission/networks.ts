/** Rules for VirtualNetworks. */
import { formatIp, formatPrefix, type Port, parseIp, prefixesOverlap, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { NetworkConfig } from '../config.ts';
import { pairAddress, pairsOf } from '../pairs.ts';
import { isHost, readSubnet, type Subnet } from '../subnet.ts';
import { dhcpOptionsProblems } from './client-options.ts';
import type { Refusals } from './refusals.ts';
import { resolverProblems } from './resolver.ts';
import { scopedName, smallestIpv6Mtu, titleOf, type World } from './world.ts';

export function checkNetworks(
  written: readonly { before: VirtualNetwork | null; after: VirtualNetwork }[],
  world: World,
  config: NetworkConfig,
  refusals: Refusals,
): void {
  for (const { before, after } of written) {
    const subnets = checkSubnets(after, refusals);
    checkMtu(after, subnets, config, refusals);
    refusals.addAll(after, dhcpOptionsProblems(after.spec.dhcpOptions, '/spec/dhcpOptions'));
    refusals.addAll(after, resolverProblems(after.spec.resolver, '/spec/resolver'));
    if (before && !refusals.has(after)) checkPortsFit(after, subnets, world, refusals);
  }
  checkVnis(
    written.map(({ after }) => after),
    world,
    refusals,
  );
}

function checkMtu(network: VirtualNetwork, subnets: readonly Subnet[], config: NetworkConfig, refusals: Refusals): void {
  const mtu = network.spec.mtu ?? config.mtu;
  if (mtu >= smallestIpv6Mtu || !subnets.some(({ prefix }) => prefix.family === 6)) return;
  const message = `IPv6 needs an MTU of at least ${smallestIpv6Mtu}, not ${mtu}`;
  refusals.add(network, '/spec/mtu', message, `write mtu: ${smallestIpv6Mtu} or more, or remove the IPv6 subnets`);
}

function checkSubnets(network: VirtualNetwork, refusals: Refusals): readonly Subnet[] {
  const subnets: Subnet[] = [];
  const routed = new Set<string>();
  for (const [index, spec] of network.spec.subnets.entries()) {
    const pointer = `/spec/subnets/${index}`;
    const { subnet, problems } = readSubnet(spec, network.spec.forwarding, pointer);
    refusals.addAll(network, problems);
    if (!subnet) continue;
    refusals.addAll(network, dhcpOptionsProblems(spec.dhcpOptions, `${pointer}/dhcpOptions`, subnet.prefix.family));
    const other = subnets.find((earlier) => prefixesOverlap(earlier.prefix, subnet.prefix));
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
  const ports = world.committed.tenancy(scopedName(network))?.ports.values().toArray() ?? [];
  const others = ports.filter((port) => !world.changed.has(titleOf(port)));
  const homeless = others.filter((port) => port.status.addresses.some((text) => !fits(text, subnets)));
  if (homeless.length > 0) {
    const message = `${namesOf(homeless)} would lose the address ${lostAddress(homeless, subnets)}`;
    refusals.add(network, '/spec/subnets', message, 'keep the subnet, or delete these ports or give them other addresses first');
  }
  for (const [index, subnet] of subnets.entries()) {
    if (!subnet.ownsGateway) continue;
    const gateway = formatIp(subnet.gateway);
    const holder = others.find(
      (port) => port.status.addresses.includes(gateway) || pairsOf(port).some((pair) => pairAddress(pair) === gateway),
    );
    if (holder) {
      const message = `gateway ${gateway} is an address of ${titleOf(holder)}`;
      refusals.add(network, `/spec/subnets/${index}/gateway`, message, 'choose another gateway, or give the port another address first');
    }
  }
}

function fits(text: string, subnets: readonly Subnet[]): boolean {
  const address = parseIp(text);
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
  const holders = new Map<number, string>();
  for (const network of written) {
    const { vni } = network.spec;
    if (vni === undefined) continue;
    const holder = holders.get(vni) ?? world.committed.vnis.find(vni, world.changed);
    if (holder !== undefined) {
      refusals.add(network, '/spec/vni', `VNI ${vni} belongs to ${holder}`, 'choose another one, or leave vni out to have one allocated');
    }
    holders.set(vni, titleOf(network));
  }
}
