/**
 * When each port is to hear an advertisement (RFC 4861 §6.2.4): one list for all ports, so that one timer does. Pure: the clock and chance come from
 * outside. Times are milliseconds of any monotonic clock.
 */

export interface ScheduleSettings {
  readonly raIntervalSeconds: number;
}

interface Entry {
  dueMs: number;
  /** Of these the next follows after 16 s at most. */
  initialsLeft: number;
  /** When the last one was sent. */
  sentMs: number;
}

/** RFC 4861 §10. */
const maxInitialIntervalMs = 16_000;
const maxInitials = 3;
const minDelayMs = 3_000;
/** §6.2.1: MinRtrAdvInterval is a third of MaxRtrAdvInterval, and no less than 3 s. */
const minPart = 1 / 3;

export class Schedule {
  readonly #entries = new Map<number, Entry>();
  readonly #maxIntervalMs: number;
  readonly #random: () => number;

  /** `random`: 0 to 1. */
  constructor(settings: ScheduleSettings, random: () => number = Math.random) {
    this.#maxIntervalMs = settings.raIntervalSeconds * 1000;
    this.#random = random;
  }

  /** There is something new to tell: at once, but MIN_DELAY_BETWEEN_RAS after the last; then a few times in short intervals. */
  renew(id: number, nowMs: number): void {
    const sentMs = this.#entries.get(id)?.sentMs ?? Number.NEGATIVE_INFINITY;
    this.#entries.set(id, { dueMs: Math.max(nowMs, sentMs + minDelayMs), initialsLeft: maxInitials, sentMs });
  }

  /** Somebody asked who can only be answered with all others. */
  hasten(id: number, nowMs: number): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.dueMs = Math.min(entry.dueMs, Math.max(nowMs, entry.sentMs + minDelayMs));
  }

  remove(id: number): void {
    this.#entries.delete(id);
  }

  /** At most `most` of the ports that are due, which count as told now. */
  take(nowMs: number, most: number): readonly number[] {
    const taken: number[] = [];
    for (const [id, entry] of this.#entries) {
      if (taken.length === most) break;
      if (entry.dueMs > nowMs) continue;
      taken.push(id);
      // Behind the others: where more are due than are taken, each has its turn.
      this.#entries.delete(id);
      this.#entries.set(id, entry);
      entry.sentMs = nowMs;
      entry.initialsLeft = Math.max(0, entry.initialsLeft - 1);
      entry.dueMs = nowMs + this.#intervalMs(entry.initialsLeft > 0);
    }
    return taken;
  }

  /** Whether the next advertisement to the port is still one of the first few. */
  isInitial(id: number): boolean {
    return (this.#entries.get(id)?.initialsLeft ?? 0) > 0;
  }

  /** When the next port is due; infinity without any. */
  nextMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#entries.values()) if (dueMs < next) next = dueMs;
    return next;
  }

  #intervalMs(initial: boolean): number {
    const minMs = Math.max(minDelayMs, this.#maxIntervalMs * minPart);
    const interval = minMs + this.#random() * (this.#maxIntervalMs - minMs);
    return initial ? Math.min(interval, maxInitialIntervalMs) : interval;
  }
}
