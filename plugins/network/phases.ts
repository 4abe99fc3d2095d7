/** Keeps `status.phase` of the objects true, writing only what changed. */
import type { PortState, Uplink } from '@weft/kernel/contract/net';
import { formatKey, type ObjectKey, type WeftObject } from '@weft/kernel/contract/system';
import type { ObjectCache, PluginContext } from '@weft/kernel/sdk';

interface Phase {
  readonly phase: 'Active' | 'Pending' | 'Down';
  /** Of links only. */
  readonly reason?: string;
  /** Of uplinks only, and once it is known. */
  readonly mac?: string;
}

const linkKinds: readonly string[] = ['Port', 'Trunk', 'Uplink'];
const noMac = '00:00:00:00:00:00';
export const awaitingForwarder = 'the forwarder has not reported the port yet';

/** What a port's state in the forwarder means for its object. */
export function linkPhase(state: PortState | undefined): Phase {
  switch (state?.state) {
    case undefined:
      return { phase: 'Pending', reason: awaitingForwarder };
    case 'up':
      return { phase: 'Active', reason: '' };
    case 'down':
      return { phase: 'Down', reason: state.reason || 'the link has no carrier' };
    case 'pending':
      return { phase: 'Pending', reason: state.reason || 'the link is being made' };
  }
}

export class Phases {
  readonly #cache: Pick<ObjectCache, 'get'>;
  readonly #setStatus: PluginContext<unknown>['setStatus'];
  readonly #now: () => Date;
  /** Undefined until the forwarder has spoken: a restarted plugin must not call every port Pending first. */
  #states: Map<number, PortState> | undefined;
  readonly #keyOfLink = new Map<number, ObjectKey>();
  /** Phase last written, by object: the cache learns of it only later. */
  readonly #written = new Map<string, { readonly uid: string; readonly text: string }>();

  constructor(cache: Pick<ObjectCache, 'get'>, setStatus: PluginContext<unknown>['setStatus'], now: () => Date) {
    this.#cache = cache;
    this.#setStatus = setStatus;
    this.#now = now;
  }

  /** The forwarder has the rows of these objects by now. */
  published(changed: readonly ObjectKey[]): Promise<void> {
    return this.#settle(changed);
  }

  /** News of the forwarder's ports; the first tells of all of them. */
  ports(states: readonly PortState[], removed: readonly number[]): Promise<void> {
    const isFirst = this.#states === undefined;
    this.#states ??= new Map();
    for (const id of removed) this.#states.delete(id);
    for (const state of states) this.#states.set(state.id, state);
    const ids = isFirst ? [...this.#keyOfLink.keys()] : [...removed, ...states.map(({ id }) => id)];
    const keys = ids.flatMap((id) => this.#keyOfLink.get(id) ?? []);
    for (const id of removed) this.#forget(id);
    return this.#settle(keys);
  }

  /** Of a link whose object is gone, too, nothing is kept. */
  #forget(id: number): void {
    const key = this.#keyOfLink.get(id);
    if (key !== undefined && this.#cache.get(key) === undefined) this.#keyOfLink.delete(id);
  }

  async #settle(keys: readonly ObjectKey[]): Promise<void> {
    const updates = keys.flatMap((key) => this.#update(key) ?? []);
    if (updates.length > 0) await this.#setStatus(updates);
  }

  #update(key: ObjectKey): { key: ObjectKey; status: Record<string, unknown> } | undefined {
    const title = formatKey(key);
    const object = this.#cache.get<WeftObject>(key);
    if (!object) {
      this.#written.delete(title);
      return undefined;
    }
    const { uid } = object.metadata;
    const isLink = linkKinds.includes(key.kind);
    const id = object.status.id as number;
    const trunk = trunkOf(object);
    for (const link of [id, trunk]) if (isLink && link !== undefined) this.#keyOfLink.set(link, key);
    if (isLink && !this.#states) return undefined;
    const phase: Phase = isLink ? { ...this.#linkPhase(id, trunk), ...this.#macOf(object) } : { phase: 'Active' };
    const text = textOf(phase);
    const written = this.#written.get(title);
    const { mac, ...status } = object.status;
    const known = written?.uid === uid ? written.text : textOf(phase.mac === undefined ? status : { ...status, mac });
    if (known === text) return undefined;
    this.#written.set(title, { uid, text });
    return { key, status: { ...phase, ...(isLink ? { since: this.#now().toISOString() } : {}) } };
  }

  /** What rides on a link of its own is no better than that, which also knows why. */
  #linkPhase(id: number, trunk: number | undefined): Phase {
    const below = trunk === undefined ? undefined : linkPhase(this.#states?.get(trunk));
    return below === undefined || below.phase === 'Active' ? linkPhase(this.#states?.get(id)) : below;
  }

  /** The forwarder tells it of uplinks; other links have theirs from elsewhere. */
  #macOf({ kind, status }: WeftObject): Pick<Phase, 'mac'> {
    const mac = kind === 'Uplink' ? this.#states?.get(status.id as number)?.mac : undefined;
    return mac === undefined || mac === noMac ? {} : { mac };
  }
}

/** The port that carries the VLAN of an uplink. */
function trunkOf(object: WeftObject): number | undefined {
  if (object.kind !== 'Uplink') return undefined;
  const { spec, status } = object as unknown as Uplink;
  return (spec.vlan ?? 0) === 0 ? undefined : status.trunk;
}

function textOf({ phase, reason, mac }: { readonly phase?: unknown; readonly reason?: unknown; readonly mac?: unknown }): string {
  return `${phase} ${reason ?? ''} ${mac ?? ''}`;
}
