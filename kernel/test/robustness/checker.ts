/**
 * Holds what clients have seen against the reference model. The log gives the order of all changes; each transaction must be what the model makes of
 * one operation at that place, and each answer must fit a world that was true between its call and its return, never older than one seen before.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Transaction, thingOf } from './chronicle.ts';
import { sameEffects, sameThings, tellsOf } from './comparison.ts';
import { type Effect, execute, idOf, type Outcome } from './model.ts';
import type { Operation } from './operations.ts';
import { type History, type Record, type Result, resultOf } from './record.ts';
import { Trials } from './trials.ts';
import { watchProblems } from './watches.ts';

/** No effect, and no fault of the kernel: a part of it was away. */
const passing = ['UNAVAILABLE', 'DEADLINE', 'BUS_OVERLOADED', 'CANCELLED'];

/** @returns what is wrong, in words; nothing when the history is linearizable and its watches are whole */
export function problemsOf(history: History): string[] {
  const checker = new Checker(history);
  return [...checker.explain(), ...checker.order(), ...watchProblems(history)];
}

class Checker {
  readonly #history: History;
  readonly #results: ReadonlyMap<Record, Result>;
  readonly #trials: Trials;
  /** World that an operation made. */
  readonly #made = new Map<Record, number>();

  constructor(history: History) {
    this.#history = history;
    this.#results = new Map(history.records.map((record) => [record, resultOf(record)]));
    this.#trials = new Trials(history, this.#results);
  }

  /** Each transaction by one operation, each operation at most once. */
  explain(): string[] {
    const { chronicle, begin, records } = this.#history;
    const waiting = new Map<string, Record[]>();
    for (const record of records) waiting.set(record.subject, [...(waiting.get(record.subject) ?? []), record]);
    const problems: string[] = [];
    for (let at = begin; at < chronicle.transactions.length; at += 1) {
      const transaction = chronicle.transactions[at] as Transaction;
      const say = (what: string): number => problems.push(`transaction ${transaction.last} of ${transaction.subject}: ${what}`);
      for (const problem of this.#malformed(transaction, at)) say(problem);
      if (transaction.subject === 'plugin:tally') {
        if (!transaction.effects.every(isCounting)) say('a plugin changed more than the status of its own kind');
      } else if (transaction.subject === 'system:kernel') {
        const problem = transaction.effects.length === 0 ? null : this.#trials.takenBack(at);
        if (problem !== null) say(problem);
      } else {
        const own = waiting.get(transaction.subject) ?? [];
        const candidates = own.filter((record) => this.#explains(record, transaction, at));
        // one that was told of this very transaction goes before those that only may have made it
        const told = candidates.find((record) => this.#results.get(record)?.is !== 'unknown');
        const found = own.indexOf(told ?? (candidates[0] as Record));
        const record = own[found];
        if (record === undefined) say(`no operation explains ${describe(transaction)}`);
        else {
          // a client does one thing after the other
          waiting.set(transaction.subject, own.slice(found + 1));
          this.#made.set(record, at + 1);
          const problem = this.#trials.began(record, transaction, at);
          if (problem !== null) say(problem);
        }
      }
    }
    return [...problems, ...this.#trials.unsettled()];
  }

  /** Answers in real time. */
  order(): string[] {
    const problems: string[] = [];
    let floor = this.#history.begin;
    const lowest = new Map<Record, number>();
    for (const moment of this.#moments()) {
      if ('heard' in moment) floor = Math.max(floor, moment.heard);
      else if (moment.called) {
        lowest.set(moment.record, floor);
        const made = this.#made.get(moment.record);
        if (made !== undefined && made <= floor) problems.push(`${tell(moment.record)}: its effect was there before it was asked for`);
      } else {
        const from = lowest.get(moment.record) ?? floor;
        const world = this.#made.get(moment.record) ?? this.#seen(moment.record, from);
        if (world === undefined) problems.push(`${tell(moment.record)}: fits no world from ${this.#history.chronicle.revisionAt(from)} on`);
        else floor = Math.max(floor, world);
      }
    }
    return problems;
  }

  #moments(): readonly ({ at: number } & ({ heard: number } | { called: boolean; record: Record }))[] {
    const { chronicle, records, watches } = this.#history;
    const known = records.filter((record) => !['unknown', 'nothing'].includes(this.#results.get(record)?.is ?? ''));
    return [
      ...records.map((record) => ({ at: record.call, called: true, record })),
      ...known.map((record) => ({ at: record.returned, called: false, record })),
      ...watches.flatMap(({ heard }) => heard.map(({ event, at }) => ({ at, heard: chronicle.holding(event.revision) }))),
    ].sort((a, b) => a.at - b.at);
  }

  /** The first world, not older than `from`, in which an answer without an effect is right. */
  #seen(record: Record, from: number): number | undefined {
    const until = this.#latest(record);
    for (let world = from; world <= until; world += 1) if (this.#fits(record, world)) return world;
    return undefined;
  }

  /** The last world that can have been there when an answer came: no later one's maker had been asked. */
  #latest({ returned }: Record): number {
    const later = [...this.#made].filter(([{ call }]) => call > returned).map(([, world]) => world - 1);
    return Math.min(this.#history.chronicle.worlds.length - 1, ...later);
  }

  #fits(record: Record, number: number): boolean {
    const { operation } = record;
    const result = this.#results.get(record) as Result;
    const { chronicle } = this.#history;
    const world = chronicle.world(number);
    if (result.is === 'decided') return true;
    if (result.is === 'refused' && passing.includes(result.code)) return true;
    if (operation.do === 'decide') return result.is === 'refused' && ['NOT_FOUND', 'INVALID', 'REFERENCED'].includes(result.code);
    if (operation.do === 'get') {
      const thing = world.get(idOf(operation.of));
      return result.is === 'object' ? isDeepStrictEqual(thingOf(result), thing) : thing === undefined && isCode(result, 'NOT_FOUND');
    }
    if (operation.do === 'list') {
      if (result.is !== 'list' || result.revision > chronicle.revisionAt(number)) return false;
      const things = [...world.values()].filter(({ kind }) => kind === operation.kind);
      return sameThings(
        result.items.map((object) => thingOf({ object })),
        things,
      );
    }
    if (operation.do === 'rollback' && operation.revision > chronicle.revisionAt(number)) return isCode(result, 'REVISION_GONE');
    const outcome = execute(world, operation, chronicle.past(number)) as Outcome;
    if (result.is === 'refused') return this.#justified(record, result.code, outcome, number);
    if ('error' in outcome) return false;
    if (!('dryRun' in operation && operation.dryRun) && outcome.effects.length > 0) return false;
    if (result.is === 'applied' && result.revision !== chronicle.revisionAt(number)) return false;
    return tellsOf(result, outcome.effects, world.get(nameOf(operation)));
  }

  #justified(record: Record, code: string, outcome: Outcome, number: number): boolean {
    const { operation } = record;
    if ('error' in outcome && outcome.error === code) return true;
    if (operation.do === 'rollback' && code === 'REVISION_GONE')
      return operation.revision < this.#history.chronicle.revisionAt(number) - this.#history.retention;
    if (operation.do === 'patch' && code === 'REVISION_MISMATCH') {
      // it reads, then writes: what it read may be gone; without a revision given it was overtaken too often
      const { ifMatch } = operation;
      return ifMatch === undefined || this.#history.chronicle.world(number).get(idOf(operation.wish))?.revision !== ifMatch;
    }
    return operation.do === 'apply' && operation.confirm !== undefined && code === 'CONFLICT' && this.#trials.mayBeOpen(record);
  }

  #explains(record: Record, transaction: Transaction, at: number): boolean {
    const { operation } = record;
    const result = this.#results.get(record) as Result;
    if (('dryRun' in operation && operation.dryRun) || !['object', 'applied', 'unknown'].includes(result.is)) return false;
    if (result.is === 'object' && result.object.metadata.revision !== transaction.last) return false;
    if (result.is === 'applied' && result.revision !== transaction.last) return false;
    const { chronicle } = this.#history;
    const outcome = execute(chronicle.world(at), operation, chronicle.past(at));
    if (outcome === undefined || 'error' in outcome || !sameEffects(outcome.effects, transaction.effects)) return false;
    return result.is === 'unknown' || tellsOf(result, transaction.effects, undefined);
  }

  /** What no transaction may be, whoever made it. */
  #malformed({ events, effects }: Transaction, at: number): string[] {
    const { chronicle } = this.#history;
    return effects.flatMap(({ id, before, after }, index) => {
      const type = events[index]?.type;
      const expected = before === null ? 'created' : after === null ? 'deleted' : 'updated';
      if (type !== expected) return [`${id} was ${type}, should be ${expected}`];
      if (after === null) return [];
      if (before !== null) return before.uid === after.uid ? [] : [`${id} changed its uid`];
      const old = chronicle.worlds.slice(0, at + 1).some((world) => world.get(id)?.uid === after.uid);
      return old ? [`${id} came back with the uid of its predecessor`] : [];
    });
  }
}

function isCode(result: Result, code: string): boolean {
  return result.is === 'refused' && result.code === code;
}

function nameOf(operation: Operation): string {
  if (operation.do === 'create' || operation.do === 'put' || operation.do === 'patch') return idOf(operation.wish);
  return '';
}

function isCounting({ before, after }: Effect): boolean {
  return after?.kind === 'Count' && before !== null && isDeepStrictEqual(before.spec, after.spec);
}

function describe({ effects }: Transaction): string {
  return JSON.stringify(effects.map(({ id, before, after }) => ({ id, before: before?.spec ?? null, after: after?.spec ?? null })));
}

export function tell({ subject, operation, call, returned, answer }: Record): string {
  return `${subject} ${call}–${returned} ${JSON.stringify(operation)} → ${JSON.stringify(answer).slice(0, 600)}`;
}
