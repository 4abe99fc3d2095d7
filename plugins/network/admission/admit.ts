/** Decides about a transaction: pure, from the committed objects, the changes and the numbers that the forwarder still holds. */
import {
  formatIp,
  idLimit,
  type LogicalRouter,
  type Port,
  servicePortId,
  type Trunk,
  type Uplink,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import {
  type AdmissionReply,
  type AdmissionRequest,
  type Change,
  formatKey,
  keyOf,
  type ObjectKey,
  type WeftObject,
} from '@weft/kernel/contract/system';
import type { NetworkConfig } from '../config.ts';
import { awaitingForwarder } from '../phases.ts';
import { subnetsOf } from '../subnet.ts';
import { gatewaysOf } from '../uplink.ts';
import { allocatePorts, allocateVnis, type Written } from './allocate.ts';
import { checkBindings } from './bindings.ts';
import type { Committed } from './committed.ts';
import type { Holders } from './holders.ts';
import { checkNetworks } from './networks.ts';
import { NumberSpace } from './numbers.ts';
import { checkPort } from './ports.ts';
import { Refusals } from './refusals.ts';
import { checkRouters } from './routers.ts';
import { checkUnderlays, checkUplinks } from './uplinks.ts';
import { scopedName, worldAfter, writtenOf } from './world.ts';

/** Numbers of rows that the forwarder may still have, so that a freed number is not given away too early. */
export interface NumbersHeld {
  readonly ports: Pick<ReadonlySet<number>, 'has'>;
  readonly vrfs: Pick<ReadonlySet<number>, 'has'>;
}

export interface AdmissionContext {
  readonly committed: Committed;
  readonly config: NetworkConfig;
  readonly held: NumbersHeld;
  /** RFC 3339. */
  readonly now: string;
}

type Patch = { readonly key: ObjectKey; readonly status: Record<string, unknown> };

const lastVni = 16_777_215;
const lastLinkId = servicePortId(0) - 1;

export function admit(request: AdmissionRequest, context: AdmissionContext): AdmissionReply {
  const { changes } = request;
  const { committed, held } = context;
  const world = worldAfter(committed, changes);
  const networks = writtenOf<VirtualNetwork>(changes, 'VirtualNetwork');
  const trunks = writtenOf<Trunk>(changes, 'Trunk');
  const ports = writtenOf<Port>(changes, 'Port');
  const routers = writtenOf<LogicalRouter>(changes, 'LogicalRouter');
  const uplinks = writtenOf<Uplink>(changes, 'Uplink');
  const writtenUplinks = uplinks.map(({ after }) => after);
  const refusals = new Refusals();
  checkNetworks(networks, world, context.config, refusals);
  checkUplinks(writtenUplinks, world, context.config, refusals);
  checkUnderlays(
    networks.map(({ after }) => after),
    writtenUplinks,
    world,
    refusals,
  );
  checkBindings([...writtenUplinks, ...[...trunks, ...ports].map(({ after }) => after)], world, refusals);
  for (const { before, after } of ports) checkPort(before, after, world, refusals);
  checkRouters(world, refusals);
  const vnis = allocateVnis(networks, vniSpace(context, changes, networks), refusals);
  const allocations = allocatePorts(ports, world, refusals);
  if (refusals.list.length > 0) return { patches: [], refusals: refusals.list };

  // In turn: other plugins may have rows that name a former port by its number, and say what passes it.
  const linkIds = new NumberSpace(1, lastLinkId, isTaken(committed.linkIds, held.ports), committed.lastLinkId);
  const tableIds = new NumberSpace(1, idLimit - 1, isTaken(committed.tableIds, held.vrfs));
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
    ...uplinks.map((each) => {
      const facts = { ...uplinkNumbers(each, tableIds, linkIds, refusals), gateways: knownGateways(each) };
      return patch(each, linkIds, facts, { ...pending, mac: '' }, refusals);
    }),
  ].flat();
  return refusals.list.length > 0 ? { patches: [], refusals: refusals.list } : { patches, refusals: [] };
}

/** What an uplink has beside its number: what is behind it, and with a VLAN the port that carries it, which it keeps from then on. */
function uplinkNumbers(
  { before, after }: Written<Uplink>,
  tableIds: NumberSpace,
  linkIds: NumberSpace,
  refusals: Refusals,
): Record<string, unknown> {
  const tagged = (after.spec.vlan ?? 0) !== 0;
  const trunk = before?.status.trunk ?? (tagged ? linkIds.take() : undefined);
  const network = before?.status.network ?? tableIds.take();
  if (network === undefined || (tagged && trunk === undefined)) refuseNumber(after, refusals);
  return { network, ...(trunk === undefined ? {} : { trunk }) };
}

/** What is known of those that it had before stays. */
function knownGateways({ before, after }: Written<Uplink>): Uplink['status']['gateways'] {
  return gatewaysOf(after).map(
    (address) => before?.status.gateways.find((gateway) => gateway.address === address) ?? { address, reachable: false },
  );
}

function refuseNumber(object: WeftObject<object, object>, refusals: Refusals): void {
  refusals.add(object, '', `no number is free: this appliance holds about a million objects of this kind`, 'delete some first');
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
    refuseNumber(after, refusals);
    return [];
  }
  const status = { id, ...facts };
  if (before === null) return [{ key: keyOf(after), status: { ...initial, ...status } }];
  const known = before.status as Record<string, unknown>;
  const same = Object.entries(status).every(([field, value]) => JSON.stringify(known[field]) === JSON.stringify(value));
  return same ? [] : [{ key: keyOf(after), status }];
}

/** Objects that this transaction deletes still count: their rows are in the forwarder. */
function isTaken(committed: Holders<number>, held: NumbersHeld['ports']): (id: number) => boolean {
  return (id) => committed.has(id) || held.has(id);
}

/** VNIs that networks have or name are used. */
function vniSpace(
  { committed, config }: AdmissionContext,
  changes: readonly Change[],
  written: readonly Written<VirtualNetwork>[],
): NumberSpace {
  const deleted = new Set(changes.flatMap(({ key, after }) => (after === null ? [formatKey(key)] : [])));
  const wanted = new Set(written.flatMap(({ after }) => [after.spec.vni, after.status.vni]));
  return new NumberSpace(config.firstVni, lastVni, (vni) => wanted.has(vni) || committed.vnis.find(vni, deleted) !== undefined);
}
