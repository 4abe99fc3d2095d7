/** The rows of rules and identities as the plugin's compiler makes them of objects, change by change. */
import { type Port as PortObject, type Row, rowId } from '@weft/kernel/contract/net';
import { formatKey, keyOf, type ObjectKey } from '@weft/kernel/contract/system';
import { Compiler } from '../../compile/compiler.ts';
import type { SecurityGroup } from '../../kinds.ts';
import { Objects, port as portObject } from '../world.ts';
import { groupName } from './random-objects.ts';
import type { Site, SitePort } from './scenario.ts';
import type { PolicyRows } from './site-rows.ts';

/** None: the plugin has not heard of it yet. */
function objectOf({ id, asks, groups }: SitePort): PortObject[] {
  return groups === undefined ? [] : [portObject(`p${id}`, id, asks ? groups.map(groupName) : [], { portSecurity: asks })];
}

export function compiledPolicyRows(): PolicyRows {
  const objects = new Objects();
  const compiler = new Compiler(objects);
  const rows = new Map<string, Row>();
  let known = new Map<string, SecurityGroup | PortObject>();

  /** Keys of what differs from what was given last. */
  const take = (site: Site): readonly ObjectKey[] => {
    const all = [...(site.objects?.values() ?? []), ...site.ports.flatMap(objectOf)];
    const wanted = new Map(all.map((object) => [formatKey(keyOf(object)), object]));
    const gone = [...known].filter(([name]) => !wanted.has(name)).map(([, object]) => keyOf(object));
    const changed = [...wanted].filter(([name, object]) => JSON.stringify(known.get(name)) !== JSON.stringify(object));
    known = wanted;
    return [...objects.put(...changed.map(([, object]) => object)), ...objects.remove(...gone)];
  };

  return (site) => {
    const { upserts, deletes } = compiler.update(take(site));
    for (const key of deletes) rows.delete(rowId(key));
    for (const row of upserts) rows.set(rowId(row), row);
    return [...rows.values()];
  };
}
