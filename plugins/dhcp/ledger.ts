/**
 * What was last said to each client, of both families: memory only, for `weft leases`. Bounded by the number of ports, and for each port by
 * `clientsOfPort` in each family, since a VM may pose as many clients.
 */
import type { IpFamily, Port } from '@weft/kernel/contract/net';

export type Outcome = 'offered' | 'acknowledged' | 'refused' | 'declined' | 'released';

/** A message of a client and what came of it. */
export interface Event {
  readonly family: IpFamily;
  /** What tells several clients of a port apart, printable: DUID and IAID. Empty where a port has one client, or the message told none. */
  readonly clientId: string;
  /** Address that the message is about, as it was given or refused; empty without one. */
  readonly address: string;
  /** Absent: the message went unanswered and changes no state. */
  readonly outcome?: Outcome;
  /** Why it was refused or went unanswered; empty when all is well. */
  readonly reason: string;
  /** What the client calls itself, printable; empty when it says nothing. */
  readonly client: string;
  /** Seconds of the lease just given; 0 when none was. */
  readonly leaseSeconds: number;
  /** Codes of the options that the reply carried, and of those that did not fit. */
  readonly options?: readonly number[];
  readonly omitted?: readonly number[];
}

/** One line of `weft leases`. */
export interface LeaseItem {
  readonly project: string;
  readonly port: string;
  readonly network: string;
  readonly mac: string;
  readonly family: IpFamily;
  readonly address: string;
  readonly hostname: string;
  readonly state: Outcome;
  /** Why the last message was refused or went unanswered; empty when all is well. */
  readonly reason: string;
  /** ISO 8601, when the last message came. */
  readonly at: string;
  /** ISO 8601; when an address was offered and acknowledged last; empty: never. */
  readonly offeredAt: string;
  readonly acknowledgedAt: string;
  /** ISO 8601; empty unless a lease runs. */
  readonly expiresAt: string;
  readonly client: string;
  readonly clientId: string;
  readonly options: readonly number[];
  readonly omitted: readonly number[];
  /** Messages in all, those of them that went unanswered, why the last of those did, and messages per second of late. */
  readonly messages: number;
  readonly ignored: number;
  readonly ignoredReason: string;
  readonly rate: number;
}

/** Of one port in one family. */
const clientsOfPort = 8;
/** Over which the rate is taken. */
const windowMs = 10_000;
/** Between two warnings about a port. */
const warningMs = 60_000;
/** What `-A` of the command line asks for. */
const allProjects = '-';

interface Entry {
  port: Port;
  readonly family: IpFamily;
  readonly clientId: string;
  address: string;
  state: Outcome;
  reason: string;
  atMs: number;
  offeredAtMs: number;
  acknowledgedAtMs: number;
  expiresAtMs: number;
  client: string;
  options: readonly number[];
  omitted: readonly number[];
  messages: number;
  ignored: number;
  ignoredReason: string;
  /** Messages since `windowAtMs` and in the window before it. */
  windowAtMs: number;
  inWindow: number;
  inWindowBefore: number;
}

type Entries = Map<string, Entry>;

interface Heard extends Readonly<Record<IpFamily, Entries>> {
  warnedAtMs: number;
}

export class Ledger {
  /** By uid of the Port: one made anew under an old name starts without a past. */
  readonly #ports = new Map<string, Heard>();
  readonly #now: () => number;

  /** `now`: milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  record(port: Port, event: Event): void {
    const nowMs = this.#now();
    const entry = this.#entry(port, event);
    entry.port = port;
    count(entry, nowMs);
    entry.atMs = nowMs;
    entry.reason = event.reason;
    if (event.address !== '') entry.address = event.address;
    if (event.client !== '') entry.client = event.client;
    if (event.options !== undefined) entry.options = event.options;
    if (event.omitted !== undefined) entry.omitted = event.omitted;
    if (event.outcome === undefined) {
      entry.ignored += 1;
      entry.ignoredReason = event.reason;
    } else settle(entry, event.outcome, event.leaseSeconds, nowMs);
  }

  /** Whether to log what a port's client complains of: once a minute, for a VM must not fill the log. True for a port that was never heard of. */
  mayWarn(uid: string): boolean {
    const heard = this.#ports.get(uid);
    const nowMs = this.#now();
    if (heard === undefined || nowMs - heard.warnedAtMs < warningMs) return heard === undefined;
    heard.warnedAtMs = nowMs;
    return true;
  }

  forget(uid: string): void {
    this.#ports.delete(uid);
  }

  /** Of one project, or of all for `-`, sorted. */
  list(project: string): readonly LeaseItem[] {
    const nowMs = this.#now();
    const entries = [...this.#ports.values()].flatMap((families) => [...families[4].values(), ...families[6].values()]);
    return entries
      .filter(({ port }) => project === allProjects || port.metadata.project === project)
      .map((entry) => itemOf(entry, nowMs))
      .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  }

  /** The client's entry, made when it is new; the one that was silent longest makes room for it. */
  #entry(port: Port, { family, clientId }: Event): Entry {
    const { uid } = port.metadata;
    let heard = this.#ports.get(uid);
    if (heard === undefined) {
      heard = { 4: new Map(), 6: new Map(), warnedAtMs: 0 };
      this.#ports.set(uid, heard);
    }
    const entries = heard[family];
    const known = entries.get(clientId);
    if (known !== undefined) return known;
    if (entries.size >= clientsOfPort) entries.delete(silentLongest(entries));
    const entry = newEntry(port, family, clientId);
    entries.set(clientId, entry);
    return entry;
  }
}

function newEntry(port: Port, family: IpFamily, clientId: string): Entry {
  const times = { atMs: 0, offeredAtMs: 0, acknowledgedAtMs: 0, expiresAtMs: 0, windowAtMs: 0 };
  const counts = { messages: 0, ignored: 0, inWindow: 0, inWindowBefore: 0 };
  const words = { address: '', reason: '', client: '', ignoredReason: '' };
  return { port, family, clientId, state: 'refused', options: [], omitted: [], ...times, ...counts, ...words };
}

function silentLongest(entries: Entries): string {
  let longest: [clientId: string, atMs: number] = ['', Number.POSITIVE_INFINITY];
  for (const [clientId, { atMs }] of entries) if (atMs < longest[1]) longest = [clientId, atMs];
  return longest[0];
}

/** Two windows: the rate forgets a burst after twenty seconds, and costs no list of times. */
function count(entry: Entry, nowMs: number): void {
  entry.messages += 1;
  const age = nowMs - entry.windowAtMs;
  if (age >= windowMs) {
    entry.inWindowBefore = age < 2 * windowMs ? entry.inWindow : 0;
    entry.inWindow = 0;
    entry.windowAtMs = nowMs;
  }
  entry.inWindow += 1;
}

/** An offer is no lease: it runs when acknowledged or not at all. What is acknowledged without a lease (INFORM) leaves the one that runs. */
function settle(entry: Entry, outcome: Outcome, leaseSeconds: number, nowMs: number): void {
  entry.state = outcome;
  if (outcome === 'offered') entry.offeredAtMs = nowMs;
  if (outcome === 'acknowledged') entry.acknowledgedAtMs = nowMs;
  if (outcome !== 'acknowledged') entry.expiresAtMs = 0;
  else if (leaseSeconds > 0) entry.expiresAtMs = nowMs + leaseSeconds * 1000;
}

function itemOf(entry: Entry, nowMs: number): LeaseItem {
  const { port, family, clientId, address, state, reason, client, options, omitted, messages, ignored, ignoredReason } = entry;
  return {
    project: port.metadata.project ?? '',
    port: port.metadata.name,
    network: port.spec.network.slice(port.spec.network.indexOf('/') + 1),
    mac: port.status.mac,
    family,
    address,
    hostname: port.spec.hostname ?? '',
    ...{ state, reason },
    at: textOf(entry.atMs),
    offeredAt: textOf(entry.offeredAtMs),
    acknowledgedAt: textOf(entry.acknowledgedAtMs),
    expiresAt: textOf(entry.expiresAtMs),
    ...{ client, clientId, options, omitted, messages, ignored, ignoredReason },
    rate: rateOf(entry, nowMs),
  };
}

const textOf = (ms: number): string => (ms === 0 ? '' : new Date(ms).toISOString());

/** Messages per second over the last ten, one digit behind the point; the window before counts for its part that is not older. */
function rateOf({ inWindow, inWindowBefore, windowAtMs }: Entry, nowMs: number): number {
  const age = nowMs - windowAtMs;
  if (age >= 2 * windowMs) return 0;
  const recent = age < windowMs ? inWindow + (inWindowBefore * (windowMs - age)) / windowMs : (inWindow * (2 * windowMs - age)) / windowMs;
  return Math.round((recent * 10_000) / windowMs) / 10;
}

const placeOf = ({ project, port, family, clientId }: LeaseItem): string => `${project}/${port}/${family}/${clientId}`;
