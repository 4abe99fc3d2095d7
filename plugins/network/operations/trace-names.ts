/** Names for the numbers in traces: of ports, networks and groups. */
import { type Port, servicePortOwner, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { ObjectCache, OperationCall } from '@weft/kernel/sdk';
import { groupNames, groupsOf, groupsSeen } from './groups.ts';
import { linksOf, nameFor } from './links.ts';
import type { PolicyNames } from './trace-policy.ts';
import type { Names as StepNames } from './trace-words.ts';

export type Names = StepNames & PolicyNames;

/** @param permission why the sender may send */
export function namesOf(cache: Pick<ObjectCache, 'list'>, call: OperationCall, permission: string): Names {
  const links = linksOf(cache, '-');
  const ports = new Map(cache.list<Port>('Port').map((port) => [port.status.id, port]));
  const networks = new Map(
    cache
      .list<VirtualNetwork>('VirtualNetwork')
      .map(({ kind, metadata, status }) => [status.id, nameFor(call, metadata.project ?? '', metadata.name, kind)]),
  );
  return {
    permission,
    group: groupNames(cache, call),
    seesRulesOf: groupsSeen(cache, call),
    groupsOf: (id) => {
      const port = ports.get(id);
      return port && groupsOf(port, call);
    },
    port: (id) => {
      const link = links.get(id);
      if (link === undefined) return servicePortOwner(id) === undefined ? `port ${id}` : 'a service port';
      return nameFor(call, link.project, link.port, link.kind);
    },
    network: (id) => networks.get(id) ?? `network ${id}`,
  };
}
