/** Decides about a transaction: pure, from the committed objects, the changes and the numbers that the forwarder still holds. */
import { formatIp, idLimit, type LogicalRouter, type Port, type Trunk, type VirtualNetwork } from '@weft/kernel/contract/net';
import { type AdmissionReply, type AdmissionRequest, keyOf, type ObjectKey, type WeftObject } from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';
import type { NetworkConfig } from '../config.ts';
import { awaitingForwarder } from '../phases.ts';
import { subnetsOf } from '../subnet.ts';
import { allocatePorts, allocateVnis, type Written } from './allocate.ts';
import { checkBindings } from './bindings.ts';
import { checkNetworks } from './networks.ts';
import { NumberSpace } from './numbers.ts';
import { checkPort } from './ports.ts';
import { Refusals } from './refusals.ts';
import { checkRouters } from './routers.ts';
import { scopedName, type World, worldAfter, writtenOf } from './world.ts';

/** Numbers of rows that the forwarder may still have, so that a freed number is not given away too early. */
export interface NumbersHeld {
  readonly ports: Iterable<number>;
  readonly vrfs: Iterable<number>;
}

export interface AdmissionContext {
  readonly cache: Pick<ObjectCache, 'list'>;
  readonly config: NetworkConfig;
  readonly held: NumbersHeld;
  /** RFC 3339. */
  readonly now: string;
}

type Patch = { readonly key: ObjectKey; readonly status: Record<string, unknown> };

const lastVni = 16_777_215;

export function admit(request: AdmissionRequest, context: AdmissionContext): AdmissionReply {
  const { changes } = request;
  const world = worldAfter(context.cache, changes);
  const networks = writtenOf<VirtualNetwork>(changes, 'VirtualNetwork');
  const trunks = writtenOf<Trunk>(changes, 'Trunk');
  const ports = writtenOf<Port>(changes, 'Port');
  const routers = writtenOf<LogicalRouter>(changes, 'LogicalRouter');
  const refusals = new Refusals();
  checkNetworks(networks, world, context.config, refusals);
  checkBindings(
    [...trunks, ...ports].map(({ after }) => after),
    world,
    refusals,
  );
  for (const { before, after } of ports) checkPort(before, after, world, refusals);
  checkRouters(world, refusals);
  const vnis = allocateVnis(networks, vniSpace(context, world, networks), refusals);
  const allocations = allocatePorts(ports, world, refusals);
  if (refusals.list.length > 0) return { patches: [], refusals: refusals.list };

  const linkIds = idSpace(context.cache, ['Port', 'Trunk'], context.held.ports);
  const tableIds = idSpace(context.cache, ['VirtualNetwork', 'LogicalRouter'], context.held.vrfs);
  const pending = { phase: 'Pending', reason: awaitingForwarder, since: context.now };
  const patches = [
    ...networks.map((each) => {
      const facts = {
        vni: vnis.get(scopedName(each.after)),
        mtu: each.after.spec.mtu ?? context.config.mtu,
        gateways: subnetsOf(each.after).map(({ gateway }) => formatIp(gateway)),
      };
      return patch(each, tableIds, facts, { phase: 'Pending' }, refusals);
    }),
    ...trunks.map((each) => patch(each, linkIds, {}, pending, refusals)),
    ...ports.map((each) => patch(each, linkIds, { ...allocations.get(scopedName(each.after)) }, pending, refusals)),
    ...routers.map((each) => patch(each, tableIds, {}, { phase: 'Pending' }, refusals)),
  ].flat();
  return refusals.list.length > 0 ? { patches: [], refusals: refusals.list } : { patches, refusals: [] };
}

/** The allocated part of a status, for an object that is new (with `initial`) or whose part changed. */
function patch(
  { before, after }: Written<WeftObject<object, { readonly id: number }>>,
  ids: NumberSpace,
  facts: Record<string, unknown>,
  initial: Record<string, unknown>,
  refusals: Refusals,
): readonly Patch[] {
  const id = before?.status.id ?? ids.take();
  if (id === undefined) {
    refusals.add(after, '', `this appliance holds at most ${idLimit - 1} objects of this kind`, 'delete some first');
    return [];
  }
  const status = { id, ...facts };
  if (before === null) return [{ key: keyOf(after), status: { ...initial, ...status } }];
  const known = before.status as Record<string, unknown>;
  const same = Object.entries(status).every(([field, value]) => JSON.stringify(known[field]) === JSON.stringify(value));
  return same ? [] : [{ key: keyOf(after), status }];
}

/** Objects that this transaction deletes still count: their rows are in the forwarder. */
function idSpace(cache: Pick<ObjectCache, 'list'>, kinds: readonly string[], held: Iterable<number>): NumberSpace {
  const used = new Set(held);
  for (const kind of kinds) for (const object of cache.list(kind)) used.add((object.status as { id: number }).id);
  return new NumberSpace(1, idLimit - 1, used);
}

/** VNIs that networks have or name are used. */
function vniSpace(context: AdmissionContext, world: World, written: readonly Written<VirtualNetwork>[]): NumberSpace {
  const used = new Set(written.flatMap(({ after }) => after.spec.vni ?? []));
  for (const network of world.networks.values()) if (network.status.vni !== undefined) used.add(network.status.vni);
  return new NumberSpace(context.config.firstVni, lastVni, used);
}
