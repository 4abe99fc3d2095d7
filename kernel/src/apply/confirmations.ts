/** Changes on trial: unless somebody confirms them in time they are taken back, also when the kernel died meanwhile. */
import { type ErrorCode, fail, toWeftError } from '../../contract/system/index.ts';
import { asyncFailpoint } from '../failpoints/index.ts';
import type { ObjectStore } from '../store/index.ts';
import type { Pipeline } from './pipeline.ts';
import { systemSubject } from './subject.ts';

/** Kept in the store, written by the transaction that it is about. */
export interface Trial {
  /** First and last revision of the transaction; the last is the trial's number. */
  readonly from: number;
  readonly to: number;
  /** RFC 3339, UTC. */
  readonly until: string;
  /** Who made the change. */
  readonly subject: string;
  /** Why it could not be taken back. Somebody must decide: confirm it, or mend that and take it back by hand. */
  readonly failed?: string;
}

export const trialPrefix = 'trial/';
/** What may pass by itself: a plugin that is just starting. */
const passing: readonly ErrorCode[] = ['UNAVAILABLE', 'DEADLINE', 'BUS_OVERLOADED', 'CANCELLED'];
const longestSleepMs = 60_000;
/** How long a plugin may be away before somebody is told. */
const patienceMs = 60_000;

export function trialName(number: number): string {
  return trialPrefix + String(number).padStart(16, '0');
}

export class Confirmations {
  readonly #store: ObjectStore;
  readonly #pipeline: Pipeline;
  readonly #now: () => number;
  readonly #retryMs: number;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(store: ObjectStore, pipeline: Pipeline, now: () => number = Date.now, retryMs = 1_000) {
    this.#store = store;
    this.#pipeline = pipeline;
    this.#now = now;
    this.#retryMs = retryMs;
  }

  /** Oldest first. */
  list(): readonly Trial[] {
    return [...this.#store.settings<Trial>(trialPrefix).values()];
  }

  /** Looks for trials that are over, and wakes up for the next one. To be called at start and after each new trial. */
  watch(): void {
    if (this.#closed) return;
    const open = this.list().map(({ from }) => from);
    this.#store.retainFrom(open.length === 0 ? null : Math.min(...open));
    clearTimeout(this.#timer);
    const next = Math.min(...this.#undecided().map(({ until }) => Date.parse(until)));
    if (next === Number.POSITIVE_INFINITY) return;
    this.#sleep(Math.max(0, next - this.#now()));
  }

  /** The change stays. @throws NOT_FOUND */
  async confirm(number: number): Promise<Trial> {
    const trial = this.#find(number);
    await this.#pipeline.decide(trial);
    await asyncFailpoint('trial.after-decide');
    await this.#pipeline.clearAlarm(alarmOf(trial));
    this.watch();
    return trial;
  }

  /** Takes the change back now. @throws NOT_FOUND, and what an apply throws */
  async revert(number: number): Promise<Trial> {
    const trial = this.#find(number);
    await this.#pipeline.revert(trial);
    await this.#pipeline.clearAlarm(alarmOf(trial));
    this.watch();
    return trial;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #find(number: number): Trial {
    const trial = this.#store.setting<Trial>(trialName(number));
    if (trial !== undefined) return trial;
    const open = this.list().map(({ to }) => to);
    const fix = open.length === 0 ? 'it was confirmed or taken back already: weft history' : `on trial: ${open.join(', ')}`;
    throw fail('NOT_FOUND', `no change ${number} is on trial`, fix);
  }

  #undecided(): readonly Trial[] {
    return this.list().filter(({ failed }) => failed === undefined);
  }

  #sleep(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    // what goes wrong here, a full disk or too many writes, may be better soon
    const end = (): Promise<void> => this.#end().catch(() => this.#sleep(this.#retryMs));
    this.#timer = setTimeout(() => void end(), Math.min(ms, longestSleepMs));
  }

  async #end(): Promise<void> {
    const over = this.#undecided().filter(({ until }) => Date.parse(until) <= this.#now());
    await asyncFailpoint('trial.over');
    let passed = true;
    for (const trial of over) passed = (await this.#takeBack(trial)) && passed;
    if (passed) this.watch();
    else this.#sleep(this.#retryMs);
  }

  /** @returns false when it shall be tried again */
  async #takeBack(trial: Trial): Promise<boolean> {
    try {
      await asyncFailpoint('trial.before-revert');
      await this.#pipeline.revert(trial);
      await asyncFailpoint('trial.after-revert');
      await this.#pipeline.clearAlarm(alarmOf(trial));
      return true;
    } catch (thrown) {
      const { code, message } = toWeftError(thrown);
      // somebody decided while this one waited
      if (this.#closed || code === 'NOT_FOUND') return true;
      const mayPass = passing.includes(code);
      if (!mayPass || this.#now() > Date.parse(trial.until) + patienceMs) await this.#tell(trial, message);
      if (!mayPass) await this.#pipeline.decide(trial, message);
      return !mayPass;
    }
  }

  async #tell(trial: Trial, reason: string): Promise<void> {
    const text = `the change ${trial.to} of ${trial.subject} was not confirmed and could not be taken back: ${reason}; keep it: weft confirm ${trial.to}`;
    await this.#pipeline.setAlarm(alarmOf(trial), { severity: 'critical', subject: systemSubject.name, text });
  }
}

function alarmOf({ to }: Trial): string {
  return `kernel.trial-${to}`;
}
