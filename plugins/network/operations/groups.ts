/** Names of security groups for people. Their kind may not be installed, and a group may be gone or another project's. */
import { defaultGroup, followsGroups, groupsFollowed, type Port } from '@weft/kernel/contract/net';
import type { WeftObject } from '@weft/kernel/contract/system';
import type { ObjectCache, OperationCall } from '@weft/kernel/sdk';
import { resolve } from '../admission/world.ts';
import { nameFor } from './links.ts';

/** Numbers of groups that no object has. */
const withoutObject = 2 ** 31;

/** By the number that rows and flows have: PROJECT/NAME, or the number itself. */
export function groupNames(cache: Pick<ObjectCache, 'list'>, call: Pick<OperationCall, 'projects'>): (group: number) => string {
  const names = new Map(
    cache
      .list<WeftObject<object, { readonly id?: number }>>('SecurityGroup')
      .map(({ kind, metadata, status }) => [status.id ?? 0, nameFor(call, metadata.project ?? '', metadata.name, kind)]),
  );
  return (group) => names.get(group) ?? (group >= withoutObject ? defaultGroup : String(group));
}

/** Whether the caller may read the rules of a group: what those of other projects say is not told. */
export function groupsSeen(cache: Pick<ObjectCache, 'list'>, { projects }: Pick<OperationCall, 'projects'>): (group: number) => boolean {
  if (projects === undefined) return () => true;
  const groups = cache.list<WeftObject<object, { readonly id?: number }>>('SecurityGroup');
  const own = new Set(groups.flatMap(({ metadata, status }) => (projects.includes(metadata.project ?? '') ? [status.id] : [])));
  return (group) => own.has(group) || group >= withoutObject;
}

/** Names of the groups whose rules a port follows; undefined when it is open. */
export function groupsOf(port: Port, call: Pick<OperationCall, 'projects'>): readonly string[] | undefined {
  if (!followsGroups(port)) return undefined;
  return groupsFollowed(port).map((reference) => {
    const [project = '', name = ''] = resolve(port.metadata.project, reference).split('/');
    return nameFor(call, project, name, 'SecurityGroup');
  });
}
