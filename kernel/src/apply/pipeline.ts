/** The one way in which objects change: plan, admission, one transaction, answer. Serialized. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  apiVersion,
  type Change,
  fail,
  formatKey,
  keyOf,
  type ObjectEvent,
  type ObjectKey,
  type WeftObject,
} from '../../contract/system/index.ts';
import { asyncFailpoint } from '../failpoints/index.ts';
import { alarmKind, type Registry } from '../registry/index.ts';
import type { ObjectStore, Write } from '../store/index.ts';
import { type Admitter, admit } from './admission.ts';
import { settingsGoneWith } from './builtin.ts';
import { type Trial, trialName, trialPrefix } from './confirmations.ts';
import { planFinalization, settle } from './deletion.ts';
import { isDying } from './finalizers.ts';
import { shown } from './hidden.ts';
import type { Wanted } from './input.ts';
import type { Intent, Steps, World } from './intent.ts';
import { ownersOf } from './owners.ts';
import { wishesAt, wishesBefore } from './past.ts';
import { planChanges } from './plan.ts';
import { KeyIndex, targetsOf } from './references.ts';
import { Serial } from './serial.ts';
import { type StatusUpdate, withStatuses } from './status.ts';
import { formatSubject, type Subject, systemSubject } from './subject.ts';

export interface ApplyRequest extends Intent {
  /** Everything but the commit. */
  readonly dryRun: boolean;
  /** The change is on trial: it is taken back after so many milliseconds, unless somebody confirms it. */
  readonly trialMs?: number;
}

export interface ApplyReply {
  readonly revision: number;
  readonly results: readonly ApplyResult[];
  readonly trial?: Trial;
}

export interface ApplyResult {
  readonly key: ObjectKey;
  readonly action: 'created' | 'updated' | 'unchanged' | 'deleted';
  /** As anybody may see it: without the values of secrets. */
  readonly before: WeftObject | null;
  readonly after: WeftObject | null;
}

export interface AlarmText {
  readonly severity: 'warning' | 'critical';
  readonly subject: string;
  readonly text: string;
}

const actions = { create: 'created', update: 'updated', delete: 'deleted' } as const;

export class Pipeline {
  readonly #store: ObjectStore;
  readonly #registry: Registry;
  readonly #admitter: Admitter;
  readonly #world: World;
  readonly #serial = new Serial();
  readonly #now: () => Date;

  constructor(store: ObjectStore, registry: Registry, admitter: Admitter, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#registry = registry;
    this.#admitter = admitter;
    this.#now = now;
    const index = new KeyIndex((object) => targetsOf(registry, object));
    const owned = new KeyIndex((object) => ownersOf(registry, object));
    this.#world = { store, registry, index, owned, now };
    for (const kind of Object.keys(store.counts)) for (const object of store.list(kind)) this.#reindex(keyOf(object), null, object);
  }

  /** @throws what planning and admission throw; then nothing has changed */
  apply(request: ApplyRequest): Promise<ApplyReply> {
    return this.#serial.run(() => this.#apply(request));
  }

  /** Makes all objects what they were at a revision. @throws REVISION_GONE, and what an apply throws */
  rollback(revision: number, dryRun: boolean, subject: Subject): Promise<ApplyReply> {
    return this.#serial.run(() => {
      const wishes = wishesAt({ store: this.#store, registry: this.#registry }, revision);
      return this.#apply({ ...wishes, cascade: true, missingOk: true, dryRun, subject });
    });
  }

  /**
   * Takes a change on trial back. What others have made since and refers to what is new is not taken along.
   * @throws NOT_FOUND when it was decided meanwhile; what an apply throws: then it is still on trial
   */
  revert(trial: Trial): Promise<void> {
    return this.#serial.run(async () => {
      this.#assertOnTrial(trial);
      const wishes = wishesBefore({ store: this.#store, registry: this.#registry }, trial.from, trial.to);
      const request = { ...wishes, cascade: false, missingOk: true, dryRun: false, subject: systemSubject };
      await this.#apply(request, { [trialName(trial.to)]: undefined });
    });
  }

  /** A change on trial stays; with a reason it stays only because it could not be taken back. @throws NOT_FOUND when it was decided meanwhile */
  decide(trial: Trial, failed?: string): Promise<void> {
    return this.#serial.run(async () => {
      this.#assertOnTrial(trial);
      await asyncFailpoint('trial.before-decide');
      const kept = failed === undefined ? undefined : { ...trial, failed };
      await this.#store.commit([], formatSubject(systemSubject), { [trialName(trial.to)]: kept });
    });
  }

  #assertOnTrial({ to }: Trial): void {
    if (this.#store.setting(trialName(to)) !== undefined) return;
    throw fail('NOT_FOUND', `the change ${to} is not on trial any more`, 'it was confirmed or taken back already: weft history');
  }

  /** @param settings written by the same transaction */
  async #apply(request: ApplyRequest, settings: Readonly<Record<string, unknown>> = {}): Promise<ApplyReply> {
    await asyncFailpoint('apply.before-plan');
    const steps = await planChanges(this.#world, request);
    const changes = steps.flatMap(({ change }) => (change === null ? [] : [change]));
    const asked = {
      registry: this.#registry,
      admitter: this.#admitter,
      revisionOf: (kinds: readonly string[]) => this.#store.revisionOf(kinds),
    };
    const admitted = changes.length === 0 ? [] : await admit(asked, changes, request.dryRun);
    const trial = request.dryRun || admitted.length === 0 ? undefined : this.#trial(request, admitted.length);
    if (trial !== undefined) this.#store.retainFrom(trial.from);
    const kept = trial === undefined ? settings : { ...settings, [trialName(trial.to)]: trial };
    const events = request.dryRun ? [] : await this.#commit(admitted, request.subject, kept);
    const after = new Map(admitted.map((change, index) => [formatKey(change.key), written(change, events[index])]));
    const results = steps.map(({ key, before, change }) =>
      change === null
        ? { key, action: 'unchanged' as const, before: shown(before), after: shown(before) }
        : { key, action: actions[change.op], before: shown(before), after: shown(after.get(formatKey(key)) ?? null) },
    );
    return { revision: this.#store.revision, results, ...(trial === undefined ? {} : { trial }) };
  }

  #trial({ trialMs, subject }: ApplyRequest, writes: number): Trial | undefined {
    if (trialMs === undefined) return undefined;
    const [open] = this.#store.settings<Trial>(trialPrefix).values();
    if (open !== undefined) {
      throw fail('CONFLICT', `the change ${open.to} is still on trial`, `decide on it first: weft confirm ${open.to} [--revert]`);
    }
    const { revision } = this.#store;
    const until = new Date(this.#now().getTime() + trialMs).toISOString();
    return { from: revision + 1, to: revision + writes, until, subject: formatSubject(subject) };
  }

  /** For what the kernel itself needs. */
  async createIfMissing(wanted: Wanted, subject: Subject): Promise<void> {
    if (this.#store.get(wanted.key) !== undefined) return;
    await this.apply({ apply: [wanted], remove: [], cascade: false, missingOk: false, dryRun: false, subject });
  }

  /** Merges fields into the status of objects; those that are gone are skipped. The caller has checked whose they are. @throws INVALID */
  setStatus(updates: readonly StatusUpdate[], subject: Subject): Promise<number> {
    return this.#serial.run(async () => {
      const changed = withStatuses(this.#store, this.#registry, updates);
      await asyncFailpoint('apply.before-status');
      await this.#store.commit(
        changed.map((object) => ({ op: 'put', object })),
        formatSubject(subject),
      );
      return this.#store.revision;
    });
  }

  /** A plugin has put away what it made for these objects: they go when nothing else holds them. Nobody is asked again. */
  finalize(keys: readonly (ObjectKey & { readonly uid?: string })[], plugin: string): Promise<number> {
    return this.#serial.run(() => this.#finish(planFinalization(this.#world, keys, plugin), { kind: 'plugin', name: plugin }));
  }

  /** Lets go what only plugins hold that were taken away. To be called at start. */
  releaseForsaken(): Promise<number> {
    return this.#serial.run(() => {
      const steps: Steps = new Map();
      const dying = Object.keys(this.#store.counts).flatMap((kind) => this.#store.list(kind).filter(isDying));
      settle(this.#world, steps, dying.map(keyOf));
      return this.#finish(steps, systemSubject);
    });
  }

  async #finish(steps: Steps, subject: Subject): Promise<number> {
    const changes = [...steps.values()].flatMap(({ change }) => (change === null ? [] : [change]));
    await this.#commit(changes, subject, {});
    return this.#store.revision;
  }

  /** Raises or refreshes an alarm. `since` stays what it was. */
  setAlarm(name: string, alarm: AlarmText): Promise<void> {
    return this.#serial.run(async () => {
      const before = this.#store.get({ kind: alarmKind.kind, name });
      const now = this.#now().toISOString();
      const status = { ...alarm, since: before?.status.since ?? now };
      if (isDeepStrictEqual(before?.status, status)) return;
      const metadata = before?.metadata ?? { name, uid: randomUUID(), revision: 0, generation: 1, createdAt: now };
      await this.#store.commit(
        [{ op: 'put', object: { apiVersion, kind: alarmKind.kind, metadata, spec: {}, status } }],
        formatSubject(systemSubject),
      );
    });
  }

  clearAlarm(name: string): Promise<void> {
    return this.#serial.run(async () => {
      const key = { kind: alarmKind.kind, name };
      if (this.#store.get(key) !== undefined) await this.#store.commit([{ op: 'delete', key }], formatSubject(systemSubject));
    });
  }

  /** Resolves when nothing is being written. */
  idle(): Promise<void> {
    return this.#serial.idle();
  }

  async #commit(
    changes: readonly Change[],
    subject: Subject,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<readonly ObjectEvent[]> {
    const writes = changes.map(({ key, after }): Write => (after === null ? { op: 'delete', key } : { op: 'put', object: after }));
    await asyncFailpoint('apply.before-commit');
    const events = await this.#store.commit(writes, formatSubject(subject), { ...settings, ...settingsGoneWith(changes) });
    await asyncFailpoint('apply.after-commit');
    for (const { key, before, after } of changes) this.#reindex(key, before, after);
    return events;
  }

  #reindex(key: ObjectKey, before: WeftObject | null, after: WeftObject | null): void {
    for (const index of [this.#world.index, this.#world.owned]) {
      if (before !== null) index.remove(before, key);
      if (after !== null) index.add(after, key);
    }
  }
}

function written(change: Change, event: ObjectEvent | undefined): WeftObject | null {
  return change.after === null ? null : (event?.object ?? change.after);
}
