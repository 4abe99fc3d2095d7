/** Tells of objects that nobody serves any more. */
import { orphanReason, type Registry } from '../registry/index.ts';
import type { ObjectStore } from '../store/index.ts';
import type { Pipeline } from './pipeline.ts';

const name = 'kernel.orphans';

/** Raises one alarm for all of them, or clears it. */
export async function tellOrphans(store: ObjectStore, registry: Registry, pipeline: Pipeline): Promise<void> {
  const { counts } = store;
  const left = registry.orphans.filter(({ kind }) => (counts[kind] ?? 0) > 0);
  if (left.length === 0) return await pipeline.clearAlarm(name);
  const kinds = left.map((orphan) => `${counts[orphan.kind]} ${orphan.kind} (${orphanReason(orphan, registry.plugin(orphan.plugin))})`);
  const fix = 'bring the plugin back and restart Weft, or delete them: DELETE on their path in the API, or their project with --cascade';
  await pipeline.setAlarm(name, {
    severity: 'warning',
    subject: 'objects',
    text: `nobody serves these objects: ${kinds.join(', ')}: ${fix}`,
  });
}
