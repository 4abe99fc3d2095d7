/** `weft drops`: why packets were dropped, per port. */
import { servicePortOwner } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import type { Forwarder, ObjectCache, OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { allLinks, type Link, linkFields, linksOf, noLink, portInput } from './links.ts';

const item = Type.Object({
  ...linkFields,
  reason: Type.String({ description: 'Name of the drop reason.' }),
  packets: Type.Integer({ description: 'Packets dropped for it since the port was made.' }),
  bytes: Type.Integer({ description: 'Bytes in them.' }),
});
const output = Type.Object({ items: Type.Array(item, { description: 'One for each port and reason.' }) });

export const dropsSpec: OperationSpec = {
  name: 'drops',
  summary: 'Packets dropped, by reason and by the port they entered through',
  stream: false,
  bundle: true,
  viewer: true,
  input: portInput,
  output,
  cli: {
    verb: 'drops',
    columns: [
      { title: 'PROJECT', pointer: '/project' },
      { title: 'PORT', pointer: '/port' },
      { title: 'REASON', pointer: '/reason' },
      { title: 'PACKETS', pointer: '/packets' },
      { title: 'BYTES', pointer: '/bytes' },
    ],
  },
};

/** Packets that entered through a port and were dropped; most first. Those of no object are nobody's secret: every project sees them. */
export async function drops(
  context: { readonly objects: Pick<ObjectCache, 'list'>; readonly forwarder: Pick<Forwarder, 'drops'> },
  input: Static<typeof portInput>,
  call: OperationCall,
): Promise<Static<typeof output>> {
  const links = linksOf(context.objects, call, input.port);
  if (input.port !== undefined && links.size === 0) throw noLink(call, input.port);
  const known = allLinks(context.objects);
  const answer = await context.forwarder.drops(input.port === undefined ? undefined : [...links.keys()]);
  const items = answer.drops.flatMap(({ port, reason, packets, bytes }) => {
    const link = links.get(port) ?? (input.port === undefined && !known.has(port) ? nobody(port) : undefined);
    return link ? [{ ...link, reason, packets, bytes }] : [];
  });
  return { items: items.sort((a, b) => b.packets - a.packets) };
}

/** Stands for the object of a port that has none: it is a plugin's, it is being removed, or the packets were of no port at all (0). */
function nobody(id: number): Link {
  const plugin = servicePortOwner(id) !== undefined;
  return { project: '', port: id === 0 ? '(no port)' : plugin ? '(a service port)' : `(port ${id}, no object)`, kind: '' };
}
