/** What was last said to each port's client: memory only, for `weft leases`. Bounded by the number of ports. */
import type { Outcome } from './v4/answer.ts';
import type { Assignment } from './v4/assignment.ts';

export interface LeaseItem {
  readonly project: string;
  readonly port: string;
  readonly network: string;
  readonly mac: string;
  readonly address: string;
  readonly hostname: string;
  readonly state: Outcome;
  /** Why the last message was refused or went unanswered; empty when all is well. */
  readonly reason: string;
  /** ISO 8601, when the last message came. */
  readonly at: string;
  /** ISO 8601; empty unless a lease runs. */
  readonly expiresAt: string;
  /** The vendor class the client states (option 60). */
  readonly client: string;
}

export interface Event {
  readonly assignment: Assignment;
  /** Absent: the message went unanswered and changes no state. */
  readonly outcome?: Outcome;
  readonly reason: string;
  readonly client: string;
  /** Seconds of the lease just given; 0 when none was. */
  readonly leaseSeconds: number;
  readonly nowMs: number;
}

/** What `-A` of the command line asks for. */
const allProjects = '-';

export class Ledger {
  readonly #items = new Map<string, LeaseItem>();

  /** `uid` is the Port object's: a port made anew under an old name starts without a past. */
  record(uid: string, event: Event): void {
    const before = this.#items.get(uid);
    const { project, port, network, mac, address, hostname } = event.assignment;
    const running = event.outcome === undefined || (event.outcome === 'acknowledged' && event.leaseSeconds === 0);
    this.#items.set(uid, {
      ...{ project, port, network, mac, address, hostname },
      state: event.outcome ?? before?.state ?? 'refused',
      reason: event.reason,
      at: new Date(event.nowMs).toISOString(),
      expiresAt: running ? (before?.expiresAt ?? '') : expiry(event),
      client: event.client === '' ? (before?.client ?? '') : event.client,
    });
  }

  forget(uid: string): void {
    this.#items.delete(uid);
  }

  /** Of one project, or of all for `-`, sorted. */
  list(project: string): readonly LeaseItem[] {
    const items = [...this.#items.values()].filter((item) => project === allProjects || item.project === project);
    return items.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  }
}

const placeOf = (item: LeaseItem): string => `${item.project}/${item.port}`;

/** An offer is no lease: it expires when acknowledged or not at all. */
function expiry(event: Event): string {
  if (event.outcome !== 'acknowledged') return '';
  return new Date(event.nowMs + event.leaseSeconds * 1000).toISOString();
}
