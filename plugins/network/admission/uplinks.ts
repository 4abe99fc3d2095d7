/** Rules for Uplinks and for the networks that are routed natively through them: who has which addresses in the underlay. */
import {
  formatIp,
  formatPrefix,
  type IpAddress,
  type IpPrefix,
  prefixContains,
  prefixCovers,
  prefixesOverlap,
  type Uplink,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import type { NetworkConfig } from '../config.ts';
import { subnetsOf } from '../subnet.ts';
import { readUplink, uplinkSubnets } from '../uplink.ts';
import type { Refusals } from './refusals.ts';
import { smallestIpv6Mtu, titleFor, titleOf, type World } from './world.ts';

export function checkUplinks(written: readonly Uplink[], world: World, config: NetworkConfig, refusals: Refusals): void {
  if (written.length === 0) return;
  for (const uplink of written) {
    const { problems, addresses, gateways } = readUplink(uplink.spec);
    refusals.addAll(uplink, problems);
    const mtu = uplink.spec.mtu ?? config.mtu;
    const ipv6 = addresses.some(({ address }) => address.family === 6) || gateways.some(({ family }) => family === 6);
    if (ipv6 && mtu < smallestIpv6Mtu) {
      const message = `IPv6 needs an MTU of at least ${smallestIpv6Mtu}, not ${mtu}`;
      refusals.add(uplink, '/spec/mtu', message, `write mtu: ${smallestIpv6Mtu} or more, or remove the IPv6 addresses`);
    }
  }
  const untouched = [...world.uplinks.values()].filter((uplink) => !world.changed.has(titleOf(uplink)));
  const seen = untouched.flatMap(placesOf);
  for (const uplink of written) {
    const places = placesOf(uplink);
    for (const { pointer, prefix } of places) {
      const other = seen.find((place) => prefixesOverlap(place.prefix, prefix));
      if (!other) continue;
      const message = `${formatPrefix(prefix)} overlaps ${formatPrefix(other.prefix)} of ${titleOf(other.object)}`;
      refusals.add(uplink, pointer, message, 'each subnet is behind one uplink: choose another one, or give the other uplink up');
    }
    seen.push(...places);
  }
}

/** @param written networks of the transaction */
export function checkUnderlays(written: readonly VirtualNetwork[], uplinks: readonly Uplink[], world: World, refusals: Refusals): void {
  for (const network of written) {
    if (network.spec.underlay === undefined || network.spec.forwarding !== 'l2') continue;
    const fix = 'leave underlay out, or use forwarding: l2_l3 or l3';
    refusals.add(network, '/spec/underlay', 'a network with forwarding l2 bridges only, so nothing can be routed to it', fix);
  }
  const names = new Set([...written.flatMap(({ spec }) => spec.underlay ?? []), ...uplinks.map(({ metadata }) => metadata.name)]);
  for (const name of names) {
    checkUnderlay(name, written, world, refusals);
    checkAllowed(name, written, world, refusals);
  }
  checkHeld(
    written.filter(({ spec }) => spec.underlay !== undefined),
    uplinks,
    world,
    refusals,
  );
}

/** A message has no room for more. */
const mostNamed = 8;

interface Place {
  readonly object: Uplink | VirtualNetwork;
  readonly prefix: IpPrefix;
  readonly pointer: string;
}

/** Networks that the transaction leaves alone come first, so that what it writes is blamed. */
function checkUnderlay(name: string, written: readonly VirtualNetwork[], world: World, refusals: Refusals): void {
  const uplink = world.uplinks.get(`/${name}`);
  const there = [...(world.committed.underlays.get(name)?.values() ?? [])].filter((network) => !world.changed.has(titleOf(network)));
  const seen: Place[] = there.flatMap(placesIn);
  const others = written.filter(({ spec }) => spec.underlay === name).map(placesIn);
  const own = uplink ? placesOf(uplink) : [];
  const parts = uplink && world.changed.has(titleOf(uplink)) ? [own, ...others] : others;
  if (!parts.includes(own)) seen.push(...own);
  for (const places of parts) {
    for (const { object, prefix, pointer } of places) {
      const other = seen.find((place) => prefixesOverlap(place.prefix, prefix));
      if (!other) continue;
      const holder = titleFor(object, titleOf(other.object));
      const message = `${formatPrefix(prefix)} overlaps ${formatPrefix(other.prefix)} of ${holder}, and both are reached through uplink ${name}`;
      refusals.add(object, pointer, message, 'choose prefixes that do not overlap');
    }
    seen.push(...places);
  }
}

/** The uplink says which prefixes there are for projects; one that it takes back must not be in use. */
function checkAllowed(name: string, written: readonly VirtualNetwork[], world: World, refusals: Refusals): void {
  const uplink = world.uplinks.get(`/${name}`);
  const allowed = uplink && readUplink(uplink.spec).allowed;
  if (uplink === undefined || allowed === undefined) return;
  const outside = ({ prefix }: Place): boolean => !allowed.some((each) => prefixCovers(each, prefix));
  for (const { object, prefix, pointer } of written
    .filter(({ spec }) => spec.underlay === name)
    .flatMap(placesIn)
    .filter(outside)) {
    const message = `${formatPrefix(prefix)} is not in allowedPrefixes of Uplink/${name}`;
    const choice = allowed.length === 0 ? '' : `choose a prefix in ${allowed.slice(0, mostNamed).map(formatPrefix).join(', ')}, or `;
    refusals.add(object, pointer, message, `${choice}have the administrator allow it`);
  }
  if (!world.changed.has(titleOf(uplink))) return;
  for (const network of untouchedNatives(world, name)) {
    const [lost] = placesIn(network).filter(outside);
    if (lost === undefined) continue;
    const message = `${formatPrefix(lost.prefix)} of ${titleOf(network)}, which is routed natively here, would not be in it`;
    refusals.add(uplink, '/spec/allowedPrefixes', message, 'allow it, too, or take underlay from the network first');
  }
}

/** Who routes a subnet natively has the traffic to it of all who leave there: it must not hold what somebody else has. */
function checkHeld(written: readonly VirtualNetwork[], uplinks: readonly Uplink[], world: World, refusals: Refusals): void {
  const fix = 'choose another prefix';
  const all = written.length > 0 ? [...world.uplinks.values()] : [];
  for (const network of written)
    for (const { prefix, pointer } of placesIn(network)) {
      const holder = outsideHolder(prefix, network, world) ?? uplinkHolder(prefix, network, all);
      if (holder !== undefined) refusals.add(network, pointer, `${formatPrefix(prefix)} holds ${holder}`, fix);
    }
  for (const uplink of uplinks)
    for (const network of untouchedNatives(world).filter(({ spec }) => spec.underlay !== uplink.metadata.name))
      for (const { pointer, address, what } of pointsOf(uplink)) {
        const place = placesIn(network).find(({ prefix }) => prefixContains(prefix, address));
        if (place === undefined) continue;
        const message = `${what} ${formatIp(address)} lies in ${formatPrefix(place.prefix)} of ${titleOf(network)}, which is routed natively`;
        refusals.add(uplink, pointer, message, 'choose another address, or take underlay from the network first');
      }
}

function outsideHolder(prefix: IpPrefix, network: VirtualNetwork, { committed, changed }: World): string | undefined {
  const holder = [...committed.outside].find(
    ([title, addresses]) => !changed.has(title) && addresses.some((address) => prefixContains(prefix, address)),
  );
  return holder && `an outside address of ${titleFor(network, holder[0])}`;
}

/** Subnets of its own uplink are compared as a whole. */
function uplinkHolder(prefix: IpPrefix, { spec }: VirtualNetwork, uplinks: readonly Uplink[]): string | undefined {
  for (const uplink of uplinks) {
    if (uplink.metadata.name === spec.underlay) continue;
    const point = pointsOf(uplink).find(({ address }) => prefixContains(prefix, address));
    if (point !== undefined) return `${formatIp(point.address)}, ${point.what} of ${titleOf(uplink)}`;
  }
  return undefined;
}

function untouchedNatives({ committed, changed }: World, uplink?: string): readonly VirtualNetwork[] {
  const underlays = uplink === undefined ? [...committed.underlays.values()] : [committed.underlays.get(uplink) ?? new Map()];
  return underlays.flatMap((networks) => [...networks.values()]).filter((network) => !changed.has(titleOf(network)));
}

interface Point {
  readonly address: IpAddress;
  readonly what: string;
  readonly pointer: string;
}

function pointsOf({ spec }: Uplink): readonly Point[] {
  const { addresses, gateways } = readUplink(spec);
  return [
    ...addresses.map(({ address, pointer }) => ({ address, what: 'the own address', pointer })),
    ...gateways.map((address, index) => ({ address, what: 'a gateway', pointer: `/spec/gateways/${index}` })),
  ];
}

function placesIn(network: VirtualNetwork): readonly Place[] {
  return subnetsOf(network).map(({ prefix }, index) => ({ object: network, prefix, pointer: `/spec/subnets/${index}/cidr` }));
}

function placesOf(uplink: Uplink): readonly Place[] {
  return uplinkSubnets(readUplink(uplink.spec)).map(({ prefix, pointer }) => ({ object: uplink, prefix, pointer }));
}
