/** The registry and the store that fits it: before anything is served. */
import type { Handoff, WeftFailure } from '../../contract/system/index.ts';
import type { Pipeline } from '../apply/index.ts';
import { keyId, sealed } from '../backup/index.ts';
import { openUpgraded } from '../migrate/index.ts';
import { type FoundPlugin, Registry, secretKind } from '../registry/index.ts';
import { type ObjectStore, Sealer } from '../store/index.ts';

export interface Opened {
  readonly store: ObjectStore;
  readonly registry: Registry;
  /** The file of a backup, part by part. */
  readonly backup: (withKey: boolean) => AsyncIterable<Buffer>;
}

export interface OpenOptions {
  readonly handoff: Pick<Handoff, 'stateDir' | 'secretKey'>;
  readonly plugins: readonly FoundPlugin[];
  readonly retention: number | undefined;
  /** Version of Weft. */
  readonly program: string;
  readonly say: (line: string) => void;
  /** The store cannot be trusted any more: must end the process. */
  readonly onBroken: (failure: WeftFailure) => void;
}

/** @throws INTERNAL when a newer program's store cannot be read */
export async function openStore({ handoff, plugins, retention, program, say, onBroken }: OpenOptions): Promise<Opened> {
  const registry = new Registry(plugins);
  const key = handoff.secretKey;
  const options = {
    path: handoff.stateDir,
    onBroken,
    ...(retention === undefined ? {} : { retention }),
    ...(key === undefined ? {} : { sealer: new Sealer([secretKind.kind], Buffer.from(key, 'base64')) }),
  };
  const store = await openUpgraded({ store: options, registry, program, say });
  const backup = (withKey: boolean): AsyncIterable<Buffer> => {
    const keys = key === undefined ? {} : { keyId: keyId(key), ...(withKey ? { key } : {}) };
    return sealed(store.upkeep.backup({ program, time: new Date().toISOString(), ...keys }));
  };
  return { store, registry, backup };
}

const prefix = 'kernel.kind-';

/** Raises an alarm for each kind that could not be converted, and clears those of kinds that now are. */
export async function tellWithdrawn({ store, registry }: Pick<Opened, 'store' | 'registry'>, pipeline: Pipeline): Promise<void> {
  for (const { metadata } of store.list('Alarm')) {
    const still = registry.kinds.some(({ spec, withdrawn }) => withdrawn !== undefined && alarmOf(spec.kind) === metadata.name);
    if (metadata.name.startsWith(prefix) && !still) await pipeline.clearAlarm(metadata.name);
  }
  for (const { spec, withdrawn } of registry.kinds) {
    if (withdrawn === undefined) continue;
    const text = `its objects are not served: ${withdrawn}`;
    await pipeline.setAlarm(alarmOf(spec.kind), { severity: 'critical', subject: `kind ${spec.kind}`, text });
  }
}

function alarmOf(kind: string): string {
  return `${prefix}${kind.toLowerCase()}`.slice(0, 63);
}
