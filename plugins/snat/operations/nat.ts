/** `weft nat`: which outside ports belong to which port of a VM now. */
import type { NatBlock, Port } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import { type Forwarder, fail, type ObjectCache, type OperationCall, type PortIndex } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { timeText } from '../log/entry.ts';
import { sees } from './scope.ts';

const input = Type.Object(
  { port: Type.Optional(Type.String({ description: 'Only blocks of this Port.' })) },
  { additionalProperties: false },
);
const item = Type.Object({
  project: Type.String({ description: 'Project of the port; empty when its object is gone.' }),
  port: Type.String({ description: 'Name of the Port, or (port N, no object).' }),
  address: Type.String({ description: 'Outside address.' }),
  first: Type.Integer({ description: 'First outside port of the block; with ICMP: identifier.' }),
  last: Type.Integer({ description: 'Last outside port of the block.' }),
  since: Type.String({ description: 'Since when the port has it, RFC 3339.', format: 'date-time' }),
});
const output = Type.Object({ items: Type.Array(item, { description: 'Some blocks; further parts follow.' }) });
type Item = Static<typeof item>;

export const natSpec: OperationSpec = {
  name: 'nat',
  summary: 'Blocks of outside ports that ports of VMs have now',
  stream: true,
  viewer: true,
  input,
  output,
  cli: {
    verb: 'nat',
    parts: {},
    columns: [
      { title: 'PROJECT', pointer: '/project' },
      { title: 'PORT', pointer: '/port' },
      { title: 'ADDRESS', pointer: '/address' },
      { title: 'FIRST', pointer: '/first' },
      { title: 'LAST', pointer: '/last' },
      { title: 'SINCE', pointer: '/since' },
    ],
  },
};

export async function* tellBlocks(
  { forwarder, objects }: { readonly forwarder: Pick<Forwarder, 'natBlocks'>; readonly objects: Pick<ObjectCache, 'list'> },
  ports: Pick<PortIndex, 'get'>,
  { port: name }: Static<typeof input>,
  call: OperationCall,
): AsyncGenerator<Static<typeof output>> {
  const isMeant = (item: Item): boolean => sees(call, item.project) && (name === undefined || item.port === name);
  if (name !== undefined && !hasPort(objects, call, name))
    throw fail('NOT_FOUND', `no Port ${name} in project ${call.project}`, 'list them with: weft get port');
  for await (const blocks of forwarder.natBlocks()) {
    if (call.signal.aborted) return;
    const items = blocks.map((block) => itemOf(block, ports.get(block.insidePort))).filter(isMeant);
    if (items.length > 0) yield { items };
  }
}

function itemOf({ address, first, last, timeMs, insidePort }: NatBlock, port: Port | undefined): Item {
  const { project = '', name = `(port ${insidePort}, no object)` } = port?.metadata ?? {};
  return { project, port: name, address, first, last, since: timeText(timeMs) };
}

function hasPort(objects: Pick<ObjectCache, 'list'>, call: OperationCall, name: string): boolean {
  return objects.list<Port>('Port').some(({ metadata }) => metadata.name === name && sees(call, metadata.project ?? ''));
}
