/** Random changes of a small world, each done twice: as a dry run, then in earnest. Both must say the same. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type AdmissionReply, type AdmissionRequest, fail, formatKey, keyOf, toWeftError } from '../../../contract/system/index.ts';
import { isDying } from '../finalizers.ts';
import { parseInputs } from '../input.ts';
import { type ApplyReply, type ApplyRequest, Pipeline } from '../pipeline.ts';
import { flawsOf } from './soundness.ts';
import { thing, workshop, workshopManifest } from './workshop.ts';
import { book, makeWorld, shelf, type TestWorld } from './world.ts';

/** Of what users write, and of what the plugins do. */
const names = { user: ['a', 'b', 'c'], plugin: ['p', 'q', 'r'] } as const;
const projectKinds = ['Shelf', 'Book', 'Label', 'Machine', 'Part', 'Tool'] as const;
const kinds = [...projectKinds, 'Site', 'Project'] as const;
type Kind = (typeof kinds)[number];

interface Document {
  readonly kind: Kind;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly spec: object;
}

interface Key {
  readonly kind: Kind;
  readonly project: string;
  readonly name: string;
}

interface RandomChange {
  readonly documents: readonly Document[];
  /** Of the documents: the revision that the object has, or had long ago. */
  readonly from: 'any' | 'current' | 'stale';
  readonly mustBeNew: boolean;
  readonly removals: readonly Key[];
  readonly cascade: boolean;
  readonly missingOk: boolean;
  readonly subject: ApplyRequest['subject'];
  /** Kinds that the subject may not delete. */
  readonly forbidden: readonly Kind[];
  readonly down: readonly string[];
  /** Lets go all dying objects afterwards. */
  readonly finalize: boolean;
}

const name = fc.constantFrom('a', 'a', 'b', 'b', 'p', 'p', 'q', 'c', 'r');
const nameBy = (ofPlugin: boolean): fc.Arbitrary<string> =>
  fc.oneof({ weight: 14, arbitrary: fc.constantFrom(...names[ofPlugin ? 'plugin' : 'user']) }, { weight: 1, arbitrary: name });
const reference = fc.oneof({ weight: 30, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom('two/a', 'gone', 7) });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined, freq: 2 });
/** The first, but for one time in so many. */
const mostly = <T>(times: number, usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const now = (): Date => new Date(0);

const specs: Readonly<Record<Kind, fc.Arbitrary<object>>> = {
  // over 400 is refused by its owner, over 500 by the schema
  Shelf: fc.record({
    width: maybe(fc.constantFrom(10, 10, 10, 20, 20, 20, 450, 600)),
    place: maybe(mostly(10, 'hall', 'cellar', 'attic')),
  }),
  Book: fc.record({ shelf: reference, see: maybe(fc.array(reference, { maxLength: 2 })) }),
  Label: fc.record({ book: maybe(reference) }),
  Machine: fc.record({
    model: maybe(fc.constantFrom('fast', 'slow')),
    note: maybe(mostly(6, 'x', 'crash', 'misfit')),
    limits: maybe(fc.record({ speed: fc.integer({ min: 1, max: 2 }), power: fc.integer({ min: 1, max: 2 }) })),
    site: maybe(name),
  }),
  Part: fc.record({ machine: maybe(reference), next: maybe(reference) }),
  Tool: fc.record({ machine: maybe(reference), part: maybe(reference), mate: maybe(reference) }),
  Site: fc.constant({}),
  Project: fc.record({ description: maybe(fc.constantFrom('one', 'two')) }),
};

const owners = fc.array(fc.record({ kind: fc.constantFrom('Machine', 'Part', 'Site'), name }), { maxLength: 2 });

function documentOf(kind: Kind, ofPlugin: boolean): fc.Arbitrary<Document> {
  const metadata = fc.record({
    name: kind === 'Project' ? mostly(10, 'two', 'watch', 'default') : nameBy(ofPlugin),
    project: kind === 'Site' || kind === 'Project' ? fc.constant(undefined) : mostly(8, undefined, 'default', 'two'),
    labels: fc.option(fc.record({ hall: fc.constantFrom('1', '2') }), { nil: undefined, freq: 2 }),
    shared: fc.option(fc.boolean(), { nil: undefined, freq: 2 }),
    ownerReferences: ofPlugin ? fc.option(owners, { nil: undefined, freq: 2 }) : mostly(20, undefined, [{ kind: 'Site', name: 'a' }]),
  });
  return fc.record({ kind: fc.constant(kind), metadata, spec: specs[kind] }).map(withoutUndefined);
}

function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

const subjects = {
  user: { subject: { kind: 'user', name: 'alice' }, writes: kinds },
  workshop: { subject: { kind: 'plugin', name: 'workshop' }, writes: ['Machine', 'Part', 'Tool', 'Site'] },
  labels: { subject: { kind: 'plugin', name: 'labels' }, writes: ['Label', 'Shelf'] },
} as const;

function changeBy(who: keyof typeof subjects): fc.Arbitrary<RandomChange> {
  const { subject, writes } = subjects[who];
  const document = fc.constantFrom<Kind>(...writes).chain((kind) => documentOf(kind, who !== 'user'));
  const key = fc.record({ kind: fc.constantFrom<Kind>(...writes), project: mostly(6, 'default', 'two'), name: nameBy(who !== 'user') });
  return fc.record({
    documents: fc.oneof({ weight: 3, arbitrary: fc.tuple(document) }, { weight: 1, arbitrary: fc.array(document, { maxLength: 4 }) }),
    from: mostly(8, 'any', 'current', 'stale'),
    mustBeNew: mostly(15, false, true),
    removals: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(key, { maxLength: 2 }) }),
    cascade: fc.boolean(),
    missingOk: mostly(4, true, false),
    subject: fc.constant(subject),
    forbidden: mostly(8, [], ['Book'], ['Part']),
    down: mostly(15, [], ['workshop'], ['library']),
    finalize: fc.boolean(),
  });
}

const randomChange: fc.Arbitrary<RandomChange> = fc.oneof(
  { weight: 6, arbitrary: changeBy('user') },
  { weight: 3, arbitrary: changeBy('workshop') },
  { weight: 1, arbitrary: changeBy('labels') },
);

/** What must come up, or too little was looked at. */
const outcomes = ['created', 'updated', 'unchanged', 'deleted', 'finalized'];
const codes = ['INVALID', 'REFERENCED', 'CONFLICT', 'FORBIDDEN', 'NOT_FOUND', 'REVISION_MISMATCH', 'UNAVAILABLE', 'INTERNAL'];

/**
 * Makes so many changes in each of so many worlds, twice each.
 * @returns outcomes that did not come up
 * @throws what differs, and the change
 */
export async function makeChangesTwice(histories: number, changes: number): Promise<readonly string[]> {
  const seen = new Map<string, number>();
  const history = fc.array(randomChange, { minLength: changes, maxLength: changes });
  const holds = fc.asyncProperty(history, async (all) => {
    const world = await TwiceWorld.make(seen);
    try {
      for (const change of all) await world.change(change);
    } finally {
      await world.close();
    }
  });
  // the one change tells enough: to look for a shorter history would take minutes
  await fc.assert(holds, { numRuns: histories, seed: 5, endOnFailure: true });
  return [...outcomes, ...codes].filter((outcome) => !seen.has(outcome));
}

/** What a change came to: an error, or the results, without what cannot be the same twice. */
type Outcome = { readonly error: unknown } | { readonly results: readonly unknown[] };

class TwiceWorld {
  readonly #world: TestWorld;
  readonly #pipeline: Pipeline;
  /** How often each action and each error code came. */
  readonly #seen: Map<string, number>;

  private constructor(world: TestWorld, seen: Map<string, number>) {
    this.#world = world;
    this.#seen = seen;
    world.admitter.answer = (plugin, request) => decide(world, plugin, request);
    this.#pipeline = new Pipeline(world.store, world.registry, world.admitter, now);
  }

  /** With something in it, so that references lead somewhere. */
  static async make(seen: Map<string, number>): Promise<TwiceWorld> {
    const world = await makeWorld(undefined, [workshopManifest]);
    await world.apply([thing('Project', 'two'), thing('Site', 'a')]);
    const things = (all: readonly string[]): object[] => all.flatMap((one) => ['Machine', 'Part', 'Tool'].map((kind) => thing(kind, one)));
    await world.apply([...things(['a', 'b']), shelf('a'), shelf('b'), book('a', 'a')]);
    await world.apply(things(['p', 'q']), { subject: workshop });
    const ownerReferences = [{ kind: 'Machine', name: 'a' }];
    await world.apply([thing('Part', 'r', {}, { ownerReferences }), thing('Tool', 'r', {}, { ownerReferences })], { subject: workshop });
    return new TwiceWorld(world, seen);
  }

  close(): Promise<void> {
    return this.#world.close();
  }

  /** @throws Error that shows both when the dry run did not say what the change then did */
  async change(change: RandomChange): Promise<void> {
    const { store, admitter } = this.#world;
    admitter.down.clear();
    for (const plugin of change.down) admitter.down.set(plugin, 'it rests');
    const { revision } = store;
    const known = new Set(Object.keys(store.counts).flatMap((kind) => uuidsIn(JSON.stringify(store.list(kind)))));
    const planned = await this.#outcome(change, true, known);
    if (store.revision !== revision) throw new Error('the dry run changed something');
    const done = await this.#outcome(change, false, known);
    if (!isDeepStrictEqual(planned, done)) {
      const texts = [change, planned, done].map((one) => JSON.stringify(one, null, 1));
      throw new Error(`of the change\n${texts[0]}\nthe dry run said\n${texts[1]}\nand the change did\n${texts[2]}`);
    }
    this.#assertSound(change);
    if (change.finalize) await this.#letGo();
    this.#assertSound(change);
  }

  #assertSound(change: RandomChange): void {
    const flaws = flawsOf(this.#world);
    if (flaws.length > 0) throw new Error(`after the change\n${JSON.stringify(change, null, 1)}\n${flaws.join('\n')}`);
  }

  async #outcome(change: RandomChange, dryRun: boolean, known: ReadonlySet<string>): Promise<Outcome> {
    try {
      const reply = await this.#pipeline.apply(this.#request(change, dryRun));
      if (!dryRun) for (const { action } of reply.results) this.#count(action);
      return { results: comparable(reply, known) };
    } catch (thrown) {
      const error = toWeftError(thrown);
      if (!dryRun) this.#count(error.code);
      return { error };
    }
  }

  #request(change: RandomChange, dryRun: boolean): ApplyRequest {
    const { documents, from, mustBeNew, removals, forbidden, cascade, missingOk, subject } = change;
    const { store, registry } = this.#world;
    const apply = parseInputs(registry, documents).map((wanted) => {
      const revision = from === 'stale' ? 1 : store.get(wanted.key)?.metadata.revision;
      return { ...wanted, mustBeNew, ...(from === 'any' || revision === undefined ? {} : { ifMatch: revision }) };
    });
    const remove = removals.map(({ kind, project, name: named }) => {
      return {
        key: kind === 'Site' ? { kind, name: named } : kind === 'Project' ? { kind, name: project } : { kind, project, name: named },
      };
    });
    const assertMay: ApplyRequest['assertMay'] = (op, key) => {
      if (op === 'delete' && forbidden.some((kind) => kind === key.kind)) throw fail('FORBIDDEN', `not ${formatKey(key)}`);
    };
    return { apply, remove, cascade, missingOk, dryRun, subject, assertMay };
  }

  async #letGo(): Promise<void> {
    const { store } = this.#world;
    const dying = ['Machine', 'Tool'].flatMap((kind) => store.list(kind).filter(isDying).map(keyOf));
    if (dying.length > 0) this.#count('finalized');
    await this.#pipeline.finalize(dying, 'workshop');
  }

  #count(what: string): void {
    this.#seen.set(what, (this.#seen.get(what) ?? 0) + 1);
  }
}

/** Allocates numbers, refuses what is too wide, and makes mistakes when it is told to. */
function decide({ store }: TestWorld, plugin: string, { changes }: AdmissionRequest): AdmissionReply {
  const own = changes.filter(({ key }) => plugin === 'workshop' && ['Machine', 'Part', 'Tool', 'Site'].includes(key.kind));
  const used = new Set(own.flatMap(({ key }) => store.list(key.kind).map(({ status }) => status.serial)));
  const patches = own.flatMap(({ op, key, after }): AdmissionReply['patches'][number][] => {
    if (after?.spec.note === 'crash') throw new TypeError('it is not a function');
    if (after?.spec.note === 'misfit') return [{ key, status: { serial: 'seven' } }];
    if (op !== 'create') return [];
    let serial = 1;
    while (used.has(serial)) serial += 1;
    used.add(serial);
    return [{ key, status: { serial } }];
  });
  const refusals = changes.flatMap(({ key, after }) => {
    if (plugin !== 'library' || !(Number(after?.spec.width) > 400)) return [];
    return [{ object: formatKey(key), pointer: '/spec/width', message: 'is too wide', fix: 'make it narrower' }];
  });
  return { patches, refusals };
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

function uuidsIn(text: string): string[] {
  return text.match(uuid) ?? [];
}

/** Without the uids that were drawn for it, and without the revisions that it gave. */
function comparable({ results }: ApplyReply, known: ReadonlySet<string>): readonly unknown[] {
  return results.map((result) => {
    const text = JSON.stringify(result).replaceAll(uuid, (one) => (known.has(one) ? one : 'new'));
    const { after, ...rest } = JSON.parse(text) as { after: { metadata: { revision?: number } } | null };
    if (after !== null) delete after.metadata.revision;
    return { ...rest, after };
  });
}
