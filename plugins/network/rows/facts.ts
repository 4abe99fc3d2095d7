/** What of the objects the rows depend on, so that news of anything else, such as a phase, costs nothing. */
import type { Uplink, VirtualNetwork } from '@weft/kernel/contract/net';
import type { WeftObject } from '@weft/kernel/contract/system';
import type { Unit } from './topology.ts';

/** How far a change reaches: no row, those of the object itself, or those of objects that depend on it, too. */
export type Reach = 'none' | 'own' | 'dependants';

interface Facts {
  /** What they are facts of. */
  readonly object: WeftObject;
  /** All that rows are made from. */
  readonly own: string;
  /** The part that rows of other objects are made from. */
  readonly shared: string;
}

export class KnownFacts {
  readonly #facts = new Map<Unit, Facts>();

  /** Takes note of what an object is now; undefined: gone. */
  note(unit: Unit, object: WeftObject | undefined): Reach {
    const before = this.#facts.get(unit);
    if (object === undefined) {
      this.#facts.delete(unit);
      // Its rows may be made already, for the sake of an object that was heard of before it.
      return 'dependants';
    }
    const now = factsOf(object);
    this.#facts.set(unit, now);
    if (now.shared !== before?.shared) return 'dependants';
    return now.own === before.own ? 'none' : 'own';
  }

  /** Rows are made from an object as it is now. When that is not as it was noted it counts as new the next time: until then it may change back. */
  used(unit: Unit, object: WeftObject | undefined): void {
    const noted = this.#facts.get(unit);
    if (noted === undefined || noted.object === object) return;
    const now = object && factsOf(object);
    if (now?.own === noted.own && now.shared === noted.shared) this.#facts.set(unit, now);
    else this.#facts.delete(unit);
  }
}

function factsOf(object: WeftObject): Facts {
  return { object, own: ownFacts(object), shared: sharedFacts(object) };
}

function ownFacts({ metadata, spec, status }: WeftObject): string {
  const { phase: _phase, reason: _reason, since: _since, ...allocated } = status;
  return JSON.stringify([metadata.uid, spec, allocated]);
}

/**
 * Ports take the number, the MTU, the mode and the static routes of their network, natively routed networks the VRF of their uplink; VLANs and members of
 * routers only the number.
 */
function sharedFacts(object: WeftObject): string {
  if (object.kind === 'Uplink') return String((object as unknown as Uplink).status.network);
  if (object.kind !== 'VirtualNetwork') return String(object.status.id);
  const { spec, status } = object as unknown as VirtualNetwork;
  return JSON.stringify([status.id, status.mtu, spec.forwarding, spec.subnets.map(({ routes }) => routes)]);
}
