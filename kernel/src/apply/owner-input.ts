/** What a document says of its owners. */
import type { ObjectKey } from '../../contract/system/index.ts';
import { type Finding, nameProblem, type Registry, typeName } from '../registry/index.ts';
import { isRecord } from './plain-data.ts';

export const ownersPointer = '/metadata/ownerReferences';
/** Letters of a kind. */
const maxKind = 63;

/** @param project of what is owned: an owner is in the same one, or of a system kind */
export function ownerKey(registry: Registry, kind: string, name: string, project: string | undefined): ObjectKey {
  return project === undefined || registry.isSystemWide(kind) ? { kind, name } : { kind, project, name };
}

/** What `metadata.ownerReferences` of a document says: the owners' keys, or what is wrong with it. */
export function parseOwners(registry: Registry, given: unknown, project: string | undefined): { owners: ObjectKey[]; findings: Finding[] } {
  if (!Array.isArray(given)) {
    const message = `must be a list, is ${typeName(given)}`;
    return { owners: [], findings: [{ pointer: ownersPointer, message, fix: 'write [{"kind": …, "name": …}]' }] };
  }
  const parsed = given.map((one: unknown, at) => parseOwner(registry, one, `${ownersPointer}/${at}`, project));
  return {
    owners: parsed.flatMap((one) => ('owner' in one ? [one.owner] : [])),
    findings: parsed.flatMap((one) => ('owner' in one ? [] : [one])),
  };
}

/** Whether it exists is another question. */
function parseOwner(registry: Registry, given: unknown, pointer: string, project: string | undefined): { owner: ObjectKey } | Finding {
  const { kind, name } = isRecord(given) ? given : {};
  const problem = nameProblem(name);
  if (typeof kind === 'string' && kind.length <= maxKind && problem === null) {
    return { owner: ownerKey(registry, kind, String(name), project) };
  }
  return { pointer, message: 'names no object', fix: 'write {"kind": …, "name": …}' };
}
