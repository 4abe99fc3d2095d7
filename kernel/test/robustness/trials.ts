/** Changes on trial: each is confirmed, or taken back as the model would, or told of as failed. One at a time. */
import type { Transaction } from './chronicle.ts';
import { sameEffects } from './comparison.ts';
import { takeBack } from './model.ts';
import type { History, Record, Result } from './record.ts';

interface Trial {
  readonly record: Record;
  readonly transaction: Transaction;
  /** World that it made. */
  readonly world: number;
  revertedIn: number | null;
}

export class Trials {
  readonly #history: History;
  readonly #results: ReadonlyMap<Record, Result>;
  readonly #trials: Trial[] = [];

  constructor(history: History, results: ReadonlyMap<Record, Result>) {
    this.#history = history;
    this.#results = results;
  }

  /** An operation made a transaction. @returns a problem */
  began(record: Record, transaction: Transaction, at: number): string | null {
    const { operation } = record;
    if (operation.do !== 'apply' || operation.confirm === undefined) return null;
    const former = this.#trials.at(-1);
    this.#trials.push({ record, transaction, world: at + 1, revertedIn: null });
    if (former === undefined || former.revertedIn !== null || this.#decisions(former).some(({ call }) => call < record.returned))
      return null;
    return this.#hasNothingToTakeBack(former, at) ? null : `began a trial while ${former.transaction.last} was on trial`;
  }

  /** The kernel changed objects by itself. @returns a problem */
  takenBack(at: number): string | null {
    const trial = this.#trials.at(-1);
    const { chronicle } = this.#history;
    const transaction = chronicle.transactions[at] as Transaction;
    if (trial === undefined || trial.revertedIn !== null) return 'the kernel changed objects, and nothing was on trial';
    trial.revertedIn = at + 1;
    const outcome = takeBack(chronicle.world(at), trial.transaction.effects);
    if ('error' in outcome) return `took the trial ${trial.transaction.last} back, which should be refused with ${outcome.error}`;
    return sameEffects(outcome.effects, transaction.effects)
      ? null
      : `did not take back what the trial ${trial.transaction.last} had changed`;
  }

  /** What became of none of them, and of those that became two things. */
  unsettled(): string[] {
    return this.#trials.flatMap((trial) => {
      const number = trial.transaction.last;
      const confirmed = this.#decisions(trial).filter(({ operation }) => operation.do === 'decide' && operation.verdict === 'confirm');
      const surely = confirmed.some((record) => this.#results.get(record)?.is === 'decided');
      if (surely && trial.revertedIn !== null) return [`the trial ${number} was confirmed, and taken back`];
      if (trial.revertedIn !== null || confirmed.length > 0) return [];
      const reason = this.#history.failedTrials.get(number);
      if (reason !== undefined)
        return this.#mayFail(trial) || reason.includes('failpoint') ? [] : [`the trial ${number} failed for no reason: ${reason}`];
      return this.#hasNothingToTakeBack(trial, this.#history.chronicle.transactions.length)
        ? []
        : [`the trial ${number} was neither confirmed nor taken back`];
    });
  }

  /** Whether something may have been on trial while an operation ran. */
  mayBeOpen({ call, returned }: Record): boolean {
    return this.#trials.some((trial) => trial.record.call < returned && !this.#overBefore(trial, call));
  }

  /** It was known to be over. */
  #overBefore(trial: Trial, moment: number): boolean {
    return this.#decisions(trial).some((record) => record.returned < moment && this.#results.get(record)?.is === 'decided');
  }

  #decisions({ transaction }: Trial): readonly Record[] {
    const { records } = this.#history;
    const about = records.filter(({ operation }) => operation.do === 'decide' && operation.trial === transaction.last);
    return about.filter((record) => ['decided', 'unknown'].includes(this.#results.get(record)?.is ?? ''));
  }

  #mayFail({ world, transaction }: Trial): boolean {
    return this.#history.chronicle.worlds.slice(world).some((one) => 'error' in takeBack(one, transaction.effects));
  }

  /** All of it was changed again, at some time up to a world: then taking back leaves no trace. */
  #hasNothingToTakeBack({ world, transaction }: Trial, until: number): boolean {
    for (let at = world; at <= until; at += 1) {
      const outcome = takeBack(this.#history.chronicle.world(at), transaction.effects);
      if ('effects' in outcome && outcome.effects.length === 0) return true;
    }
    return false;
  }
}
