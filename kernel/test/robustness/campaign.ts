/** Random histories, one after the other, over one kernel that is killed, broken and slowed meanwhile. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Arming } from './arming.ts';
import { problemsOf, tell } from './checker.ts';
import { Chronicle } from './chronicle.ts';
import { Client, Moments } from './client.ts';
import { below, choose, Generator, type Random, randomFrom } from './generator.ts';
import { House, pause, pluginNames } from './house.ts';
import { Observer } from './observer.ts';
import { kinds } from './operations.ts';
import { type History, resultOf, type WatchRecord } from './record.ts';
import { Watcher } from './watcher.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly histories: number;
  readonly arming: Arming;
}

export interface CampaignReport {
  histories: number;
  operations: number;
  /** Answered, and not refused for want of a part. */
  definite: number;
  unknown: number;
  transactions: number;
  watched: number;
  /** Unasked ends of the kernel. */
  kernelEnds: number;
  pluginKills: number;
  /** Of the first history that has any; nothing is run after it. */
  problems: string[];
}

const clients = 4;
const operationsEach = 12;
const retention = 200;
/** Histories after which a kernel that has survived is restarted, for other failpoints. */
const oldestAge = 4;
/** How far back a watch begins at most, in revisions. */
const longestWatch = 60;

export async function runCampaign({ seed, histories, arming }: CampaignOptions): Promise<CampaignReport> {
  const campaign = new Campaign(seed, arming);
  try {
    await campaign.open();
    for (let left = histories; left > 0 && campaign.report.problems.length === 0; left -= 1) await campaign.history();
  } catch (thrown) {
    campaign.report.problems.push(`seed ${seed}, after ${campaign.report.histories} histories: ${(thrown as Error).message}`);
  } finally {
    await campaign.close();
  }
  return campaign.report;
}

class Campaign {
  readonly report: CampaignReport = {
    histories: 0,
    operations: 0,
    definite: 0,
    unknown: 0,
    transactions: 0,
    watched: 0,
    kernelEnds: 0,
    pluginKills: 0,
    problems: [],
  };
  readonly #seed: number;
  readonly #random: Random;
  readonly #arming: Arming;
  readonly #house: House;
  readonly #observer: Observer;
  #chronicle = new Chronicle(0);
  #who: { subject: string; token: string }[] = [];
  /** Histories in this life of the kernel. */
  #age = 0;

  constructor(seed: number, arming: Arming) {
    this.#seed = seed;
    this.#random = randomFrom(seed);
    this.#arming = arming;
    this.#house = new House({ retention, failpoints: () => this.#arm() });
    this.#observer = new Observer(this.#house);
  }

  async open(): Promise<void> {
    await this.#house.open();
    const names = Array.from({ length: clients }, (_, index) => `c${index}`);
    this.#who = await this.#observer.admit(names);
    this.#chronicle = new Chronicle(await this.#observer.revision());
  }

  async close(): Promise<void> {
    this.#arming.count(this.#house.fired);
    this.report.kernelEnds = this.#house.ends.length;
    await this.#house.close();
  }

  async history(): Promise<void> {
    const chronicle = this.#chronicle;
    const begin = chronicle.worlds.length - 1;
    const moments = new Moments();
    const watchers = [this.#watcher(moments), this.#watcher(moments)];
    const trials: number[] = [];
    const team = this.#who.map((who) => new Client(this.#house, who, moments, trials, chronicle.base, chronicle.last));
    await Promise.all([...team.map((client, index) => this.#work(client, index)), this.#sabotage()]);
    const failedTrials = await this.#settle();
    await Promise.all(watchers.map((watcher) => watcher.reached(this.#lastOf(watcher.record.kinds))));
    await Promise.all(watchers.map((watcher) => watcher.close()));
    for (const client of team) client.close();
    const records = team.flatMap((client) => client.records).sort((a, b) => a.call - b.call);
    const history: History = {
      chronicle,
      begin,
      records,
      watches: watchers.map(({ record }) => this.#until(record)),
      retention,
      failedTrials,
    };
    this.#count(history);
    const problems = problemsOf(history);
    if (problems.length > 0) this.report.problems.push(...problems, `all of it: ${this.#keep(history, problems)}`);
  }

  #arm(): string {
    this.#age = 0;
    return this.#arming.next();
  }

  #watcher(moments: Moments): Watcher {
    const { last, base } = this.#chronicle;
    const since = Math.max(base, last - below(this.#random, longestWatch));
    return new Watcher(this.#house, since, this.#random() < 0.5 ? kinds : [choose(this.#random, kinds)], moments);
  }

  async #work(client: Client, index: number): Promise<void> {
    // trials take the time that they last, so few histories have them
    const seconds = this.report.histories % 8 === 0 ? [0, 0, 1] : this.report.histories % 8 === 4 ? [0] : [];
    const generator = new Generator(randomFrom(below(this.#random, 2 ** 31)), `${this.report.histories}.${index}`, seconds);
    for (let left = operationsEach; left > 0; left -= 1) await client.do(generator.next(client.memory));
  }

  /** A status that was on its way may come after the log was read: it belongs to the next history. */
  #until({ heard, ...record }: WatchRecord): WatchRecord {
    return { ...record, heard: heard.filter(({ event }) => event.revision <= this.#chronicle.last) };
  }

  /** While the clients work: somebody kills, restarts, or has the kernel keep a setting. */
  async #sabotage(): Promise<void> {
    const random = this.#random;
    this.#age += 1;
    if (this.#age > oldestAge) this.#house.restartKernel();
    for (let left = below(random, 3); left > 0; left -= 1) {
      await pause(below(random, 60));
      const roll = random();
      if (roll < 0.12) this.#house.killKernel();
      else if (roll < 0.15) this.#house.restartKernel();
      else if (roll < 0.35) {
        this.#house.killPlugin(choose(random, pluginNames));
        this.report.pluginKills += 1;
      } else if (roll < 0.65) await this.#observer.keepSetting();
    }
  }

  /** All is at rest: nothing on trial, all plugins know the whole world. @returns the trials that could not be taken back */
  async #settle(): Promise<Map<number, string>> {
    await this.#house.whole();
    const failed = await this.#observer.settleTrials();
    for (const end = Date.now() + 20_000; ; await pause(10)) {
      await this.#observer.extend(this.#chronicle);
      const world = this.#chronicle.world(this.#chronicle.worlds.length - 1);
      const missing = await this.#observer.unconverged(world);
      if (missing.length === 0) return failed;
      if (Date.now() > end) {
        this.report.problems.push(...missing);
        return failed;
      }
    }
  }

  #lastOf(watched: readonly string[]): number {
    const events = this.#chronicle.transactions.flatMap((transaction) => transaction.events);
    return events.findLast(({ object }) => watched.includes(object.kind))?.revision ?? 0;
  }

  #count({ records, watches, chronicle, begin }: History): void {
    const { report } = this;
    report.histories += 1;
    report.operations += records.length;
    for (const record of records) {
      const result = resultOf(record);
      if (result.is === 'unknown' || result.is === 'nothing') report.unknown += 1;
      else if (result.is !== 'refused' || result.code !== 'UNAVAILABLE') report.definite += 1;
    }
    report.transactions += chronicle.worlds.length - 1 - begin;
    report.watched += watches.reduce((sum, { heard }) => sum + heard.length, 0);
  }

  /** For a person to read. @returns the file */
  #keep({ chronicle, begin, records, watches }: History, problems: readonly string[]): string {
    const folder = join(tmpdir(), 'weft-robustness');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `seed-${this.#seed}-history-${this.report.histories}.txt`);
    const log = chronicle.transactions
      .slice(begin)
      .map(({ first, last, subject, effects }) => `${first}–${last} ${subject} ${JSON.stringify(effects)}`);
    const world = [...chronicle.world(begin)].map(([id, thing]) => `${id} ${JSON.stringify(thing)}`);
    const heard = watches.map(
      (watch) => `${watch.kinds} since ${watch.since}: ${watch.heard.map(({ event, at }) => `${event.revision}@${at}`).join(' ')}`,
    );
    const parts = {
      problems,
      'the world before': world,
      log,
      'what clients did': records.map(tell),
      watches: heard,
      failpoints: this.#house.fired,
    };
    writeFileSync(
      file,
      Object.entries(parts)
        .map(([title, lines]) => `## ${title}\n${lines.join('\n')}\n`)
        .join('\n'),
    );
    return file;
  }
}
