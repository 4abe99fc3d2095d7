/** Rules for LogicalRouters: members are distinct, route, belong to one router only, and do not overlap. */
import { formatPrefix, type IpPrefix, type LogicalRouter, prefixesOverlap, type VirtualNetwork } from '@weft/kernel/contract/net';
import { subnetsOf } from '../subnet.ts';
import type { Refusals } from './refusals.ts';
import { resolve, scopedName, titleOf, type World } from './world.ts';

/** Checks every router that the transaction writes or whose member it writes. */
export function checkRouters(world: World, refusals: Refusals): void {
  if (!world.changed.values().some((title) => /^(LogicalRouter|VirtualNetwork)\//.test(title))) return;
  const routerOf = new Map<string, LogicalRouter>();
  const routers = [...world.routers.values()];
  // Untouched routers first, so that the newcomer is the one refused.
  for (const router of routers.filter((each) => !world.changed.has(titleOf(each)))) {
    for (const member of membersOf(router)) routerOf.set(member, router);
    const touched = membersOf(router).some((member) => world.changed.has(`VirtualNetwork/${member}`));
    if (!touched) continue;
    checkRouted(router, world, refusals);
    checkOverlap(router, world, refusals);
  }
  for (const router of routers.filter((each) => world.changed.has(titleOf(each)))) {
    checkMembers(router, routerOf, refusals);
    checkRouted(router, world, refusals);
    checkOverlap(router, world, refusals);
  }
}

/** `project/name` of each member. */
export function membersOf(router: LogicalRouter): readonly string[] {
  return router.spec.networks.map((reference) => resolve(router.metadata.project, reference));
}

function checkMembers(router: LogicalRouter, routerOf: Map<string, LogicalRouter>, refusals: Refusals): void {
  for (const [index, member] of membersOf(router).entries()) {
    const holder = routerOf.get(member);
    const pointer = `/spec/networks/${index}`;
    if (holder === router) refusals.add(router, pointer, `network ${member} is listed twice`, 'list it once');
    else if (holder) {
      const message = `network ${member} belongs to ${titleOf(holder)} already`;
      refusals.add(router, pointer, message, 'a network is in at most one router: remove it from the other one first');
    }
    routerOf.set(member, router);
  }
}

/** Blames the router when the transaction writes it, else the network that stopped to route. */
function checkRouted(router: LogicalRouter, world: World, refusals: Refusals): void {
  for (const [index, member] of membersOf(router).entries()) {
    const network = world.networks.get(member);
    if (network?.spec.forwarding !== 'l2') continue;
    if (world.changed.has(titleOf(router))) {
      const message = `network ${member} has forwarding l2: it bridges and does not route`;
      refusals.add(router, `/spec/networks/${index}`, message, 'remove it, or change its forwarding to l2_l3 or l3');
    } else {
      const message = `${titleOf(router)} joins the network, and forwarding l2 does not route`;
      refusals.add(network, '/spec/forwarding', message, 'remove the network from the router first');
    }
  }
}

interface Place {
  readonly network: VirtualNetwork;
  readonly prefix: IpPrefix;
  /** Of the subnet in its network. */
  readonly index: number;
}

function checkOverlap(router: LogicalRouter, world: World, refusals: Refusals): void {
  const seen: Place[] = [];
  for (const [at, member] of membersOf(router).entries()) {
    const network = world.networks.get(member);
    if (!network) continue;
    for (const [index, { prefix }] of subnetsOf(network).entries()) {
      const other = seen.find((place) => scopedName(place.network) !== member && prefixesOverlap(place.prefix, prefix));
      if (other) report(router, at, { network, prefix, index }, other, world, refusals);
      seen.push({ network, prefix, index });
    }
  }
}

/** Blames what the transaction touches: the router, else the network. */
function report(router: LogicalRouter, at: number, place: Place, other: Place, world: World, refusals: Refusals): void {
  if (world.changed.has(titleOf(router))) {
    const message = `${formatPrefix(place.prefix)} of ${titleOf(place.network)} overlaps ${formatPrefix(other.prefix)} of ${titleOf(other.network)}`;
    refusals.add(router, `/spec/networks/${at}`, message, 'networks of one router must not overlap: remove one of them');
    return;
  }
  const [mine, theirs] = world.changed.has(titleOf(place.network)) ? [place, other] : [other, place];
  const message = `${formatPrefix(mine.prefix)} overlaps ${formatPrefix(theirs.prefix)} of ${titleOf(theirs.network)}, and ${titleOf(router)} joins both`;
  refusals.add(
    mine.network,
    `/spec/subnets/${mine.index}/cidr`,
    message,
    'choose another prefix, or remove the network from the router first',
  );
}
