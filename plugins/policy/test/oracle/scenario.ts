/** What happens to a site, step by step, as data: the same scenario goes to the model and to the forwarder. */
import type { SecurityGroup } from '../../kinds.ts';
import type { Network, Port } from '../model/forwarding.ts';
import type { Packet } from '../model/packet.ts';
import type { Groups } from '../model/rules.ts';
import type { TcpPickup } from '../model/world.ts';

export interface SitePort extends Port {
  /** Groups that its object names; undefined: it has none yet. Only where rules come from objects. */
  readonly groups?: readonly number[];
}

/** Everything that rows say at one moment. */
export interface Site {
  readonly networks: readonly Network[];
  readonly ports: readonly SitePort[];
  readonly groups: Groups;
  /** By number. Absent: the rules come from no objects. */
  readonly objects?: ReadonlyMap<number, SecurityGroup>;
}

export type Step =
  | { readonly kind: 'change'; readonly site: Site }
  | { readonly kind: 'packet'; readonly packet: Packet }
  | { readonly kind: 'time'; readonly seconds: number }
  | { readonly kind: 'flows' };

export interface Scenario {
  readonly seed: number;
  readonly pickup: TcpPickup;
  readonly steps: readonly Step[];
}
