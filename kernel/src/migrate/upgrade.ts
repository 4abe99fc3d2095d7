/** The first thing that a kernel does: makes the store one of its own program's, up or down, after a snapshot of what it was. */
import { orphansAmong, type Registry } from '../registry/index.ts';
import { type Environment, ObjectStore, openEnvironment, type StoreOptions, storeExists } from '../store/index.ts';
import { compact } from './compact.ts';
import { migrateFormats, pendingFormats } from './formats.ts';
import { convertKind, pendingKinds, schemasToRemember } from './kinds.ts';
import { takeSnapshot } from './snapshots.ts';

export interface UpgradeOptions {
  readonly store: StoreOptions;
  /** Kinds that cannot be converted are withdrawn from it. */
  readonly registry: Registry;
  /** Version of this program. */
  readonly program: string;
  /** One line for each thing that was done. */
  readonly say: (line: string) => void;
  readonly now?: () => Date;
}

/** @throws INTERNAL when a newer program's store cannot be read, UNAVAILABLE when the disk takes nothing */
export async function openUpgraded(options: UpgradeOptions): Promise<ObjectStore> {
  const { registry, say } = options;
  const snapshot = snapshotOnce(options);
  if (storeExists(options.store.path)) await prepare(options, snapshot);
  const store = new ObjectStore(options.store);
  const { upkeep } = store;
  for (const conversion of pendingKinds(upkeep.schemas, registry)) {
    const { spec } = conversion.kind;
    const { schemaVersion, references } = conversion.written;
    const problem = await convertKind(store, conversion, snapshot);
    if (problem === null) say(`${spec.kind}: converted from schema version ${schemaVersion} to ${spec.schemaVersion}`);
    else {
      registry.withdraw(spec.kind, problem, references);
      say(`${spec.kind} is not served: ${problem}`);
    }
  }
  const news = schemasToRemember(upkeep.schemas, registry);
  if (news.size > 0) await upkeep.rememberSchemas(news);
  registry.orphans = orphansAmong(upkeep.schemas, (kind) => registry.kind(kind) !== undefined, store.counts);
  if (upkeep.program !== options.program) await upkeep.rememberProgram(options.program);
  return store;
}

type Snapshot = (environment: Environment) => Promise<void>;

/** Before the first thing that changes. A kernel that starts and has nothing to change leaves the snapshots as they are. */
function snapshotOnce({ say, now = () => new Date() }: UpgradeOptions): Snapshot {
  let taken = false;
  return async (environment) => {
    if (taken) return;
    say(`a snapshot of the store was made: ${await takeSnapshot(environment, now())}`);
    taken = true;
  };
}

/** What is done to the store before it is opened for service. */
async function prepare({ store, say }: UpgradeOptions, snapshot: Snapshot): Promise<void> {
  try {
    const saved = await compact(store.path);
    if (saved > 0) say(`the store was compacted by ${Math.round(saved / 1024)} KiB`);
  } catch (thrown) {
    // It can be read as it is, and the disk may be full.
    say(`the store could not be compacted: ${(thrown as Error).message}`);
  }
  const environment = openEnvironment(store.path);
  try {
    const formats = pendingFormats(environment);
    if (formats.length > 0) await snapshot(environment);
    await migrateFormats(environment, formats);
    for (const { format, summary } of formats) say(`the store has format ${format} now: ${summary}`);
  } finally {
    await environment.root.close();
  }
}
