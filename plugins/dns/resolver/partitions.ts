/** Whose upstreams answer whom. Answers of different upstreams are never mixed: a network with upstreams of its own has a partition of its own. */
import type { ResolverSpec } from '@weft/kernel/contract/net';
import { parseUpstream, type Upstream } from './upstream.ts';

export interface Partition {
  /** Begins the cache keys of its answers; never used again for other upstreams. */
  readonly id: string;
  upstreams(): readonly Upstream[];
}

/** Whether an upstream that a network names must not be asked. */
export type Denied = (upstream: Upstream) => boolean;

interface Known {
  readonly spec: ResolverSpec;
  readonly signature: string;
  readonly partition: Partition;
}

/** More networks than an appliance has. One that is forgotten only begins with an empty cache. */
const mostKnown = 4096;

export class Partitions {
  readonly #shared: Partition;
  readonly #denied: Denied;
  readonly #known = new Map<string, Known>();
  #made = 0;

  /** `upstreams`: those of the plugin, for networks without own ones. */
  constructor(upstreams: () => readonly Upstream[], denied: Denied = () => false) {
    this.#shared = { id: '0', upstreams };
    this.#denied = denied;
  }

  of(network: string, spec: ResolverSpec | undefined): Partition {
    if (spec?.upstreams === undefined || spec.upstreams.length === 0) return this.#shared;
    const known = this.#known.get(network);
    if (known?.spec === spec) return known.partition;
    const signature = spec.upstreams.join(' ');
    const partition = known?.signature === signature ? known.partition : this.#make(spec.upstreams);
    this.#known.delete(network);
    this.#known.set(network, { spec, signature, partition });
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
    return partition;
  }

  #make(texts: readonly string[]): Partition {
    this.#made += 1;
    // What is none, or denied, is skipped: the network's other ones still answer, and without any there is no answer from somebody else's.
    const upstreams = texts.flatMap((text) => parseUpstream(text) ?? []).filter((upstream) => !this.#denied(upstream));
    return { id: String(this.#made), upstreams: () => upstreams };
  }
}
