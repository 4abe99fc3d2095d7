/** `weft ports`: the ledger of each port. */
import type { OperationSpec } from '@weft/kernel/contract/system';
import type { Forwarder, ObjectCache, OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { linkFields, linksOf, noLink, portInput } from './links.ts';

const count = (description: string) => Type.Integer({ description });
const item = Type.Object({
  ...linkFields,
  rxPackets: count('Packets that entered through the port.'),
  rxBytes: count('Bytes in them.'),
  txPackets: count('Packets that left through the port, whichever they entered through.'),
  txBytes: count('Bytes in them.'),
  injected: count('Packets that plugins sent out of the port.'),
  cloned: count('Copies made of packets that entered through the port.'),
  originated: count('Packets that the forwarder made itself, such as ARP replies.'),
  sent: count('Packets of this port that left, through whichever port.'),
  dropped: count('Packets of this port that were dropped; see weft drops.'),
  punted: count('Packets of this port that were handed to plugins.'),
  balanced: Type.Boolean({
    description: 'rxPackets + injected + cloned + originated = sent + dropped + punted. Packets under way may upset it for a moment.',
  }),
});
const output = Type.Object({ items: Type.Array(item, { description: 'One for each port.' }) });

export const statsSpec: OperationSpec = {
  name: 'stats',
  summary: 'Packet counters of ports, and whether they add up',
  stream: false,
  bundle: true,
  viewer: true,
  input: portInput,
  output,
  cli: {
    verb: 'ports',
    columns: [
      { title: 'PROJECT', pointer: '/project' },
      { title: 'PORT', pointer: '/port' },
      { title: 'RX', pointer: '/rxPackets' },
      { title: 'TX', pointer: '/txPackets' },
      { title: 'SENT', pointer: '/sent' },
      { title: 'DROPPED', pointer: '/dropped' },
      { title: 'PUNTED', pointer: '/punted' },
      { title: 'BALANCED', pointer: '/balanced' },
      { title: 'RX-BYTES', pointer: '/rxBytes', wide: true },
      { title: 'TX-BYTES', pointer: '/txBytes', wide: true },
      { title: 'INJECTED', pointer: '/injected', wide: true },
      { title: 'CLONED', pointer: '/cloned', wide: true },
      { title: 'ORIGINATED', pointer: '/originated', wide: true },
    ],
  },
};

export async function stats(
  context: { readonly objects: Pick<ObjectCache, 'list'>; readonly forwarder: Pick<Forwarder, 'stats'> },
  input: Static<typeof portInput>,
  call: OperationCall,
): Promise<Static<typeof output>> {
  const links = linksOf(context.objects, call, input.port);
  if (input.port !== undefined && links.size === 0) throw noLink(call, input.port);
  const { ports } = await context.forwarder.stats(input.port === undefined ? undefined : [...links.keys()]);
  return {
    items: ports.flatMap(({ id, ...counters }) => {
      const link = links.get(id);
      const { rxPackets, injected, cloned, originated, sent, dropped, punted } = counters;
      const balanced = rxPackets + injected + cloned + originated === sent + dropped + punted;
      return link ? [{ ...link, ...counters, balanced }] : [];
    }),
  };
}
