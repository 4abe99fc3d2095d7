/** `weft top`: what goes through each port per second, the busiest first. */
import { setTimeout as pause } from 'node:timers/promises';
import type { DropCount, PortStats } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import type { Forwarder, ObjectCache, OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { type Link, linkFields, linksOf } from './links.ts';

const input = Type.Object(
  {
    interval: Type.Integer({
      description: 'Seconds that the rates are measured over, and between two tables.',
      default: 1,
      minimum: 1,
      maximum: 60,
    }),
    limit: Type.Integer({ description: 'Ports shown.', default: 20, minimum: 1, maximum: 10_000 }),
  },
  { additionalProperties: false },
);
const rate = (description: string) => Type.Integer({ description });
const item = Type.Object({
  ...linkFields,
  rxPackets: rate('Packets per second that enter through the port.'),
  rxBits: rate('Bits per second of them.'),
  txPackets: rate('Packets per second that leave through the port.'),
  txBits: rate('Bits per second of them.'),
  drops: rate('Packets per second that entered through the port and are dropped.'),
  reason: Type.Optional(Type.String({ description: 'The reason of most of them.' })),
});
const output = Type.Object({ items: Type.Array(item, { description: 'The busiest ports, the busiest first.' }) });
type Item = Static<typeof item>;

export const topSpec: OperationSpec = {
  name: 'top',
  summary: 'The busiest ports: packets, bits and drops per second',
  stream: true,
  viewer: true,
  input,
  output,
  cli: {
    verb: 'top',
    refresh: true,
    columns: [
      { title: 'PROJECT', pointer: '/project' },
      { title: 'PORT', pointer: '/port' },
      { title: 'RX-PKT/S', pointer: '/rxPackets' },
      { title: 'RX-BIT/S', pointer: '/rxBits' },
      { title: 'TX-PKT/S', pointer: '/txPackets' },
      { title: 'TX-BIT/S', pointer: '/txBits' },
      { title: 'DROP/S', pointer: '/drops' },
      { title: 'MOSTLY', pointer: '/reason' },
    ],
  },
};

interface Sample {
  /** Milliseconds of a clock that only goes forward. */
  readonly at: number;
  readonly stats: ReadonlyMap<number, PortStats>;
  readonly drops: ReadonlyMap<number, readonly DropCount[]>;
}

/** One table per interval, the first after one. */
export async function* top(
  context: { readonly objects: Pick<ObjectCache, 'list'>; readonly forwarder: Pick<Forwarder, 'stats' | 'drops'> },
  { interval, limit }: Static<typeof input>,
  call: OperationCall,
): AsyncGenerator<Static<typeof output>> {
  let before = await sample(context.forwarder);
  while (!call.signal.aborted) {
    await pause(interval * 1000, undefined, { signal: call.signal }).catch(() => undefined);
    if (call.signal.aborted) return;
    const now = await sample(context.forwarder);
    yield { items: ratesOf(before, now, linksOf(context.objects, call)).slice(0, limit) };
    before = now;
  }
}

async function sample(forwarder: Pick<Forwarder, 'stats' | 'drops'>): Promise<Sample> {
  const at = performance.now();
  const [{ ports }, { drops }] = await Promise.all([forwarder.stats(), forwarder.drops()]);
  return { at, stats: new Map(ports.map((port) => [port.id, port])), drops: Map.groupBy(drops, ({ port }) => port) };
}

/** Busiest first. A port that came in between, or whose counters began anew, counts from its next sample on. */
function ratesOf(before: Sample, now: Sample, links: ReadonlyMap<number, Link>): Item[] {
  const perSecond = (count: number): number => Math.round((count * 1000) / (now.at - before.at));
  const items = [...links].flatMap(([id, link]): Item[] => {
    const [old, fresh] = [before.stats.get(id), now.stats.get(id)];
    if (old === undefined || fresh === undefined || fresh.rxPackets < old.rxPackets || fresh.txPackets < old.txPackets) return [];
    const gained = (name: 'rxPackets' | 'rxBytes' | 'txPackets' | 'txBytes' | 'dropped'): number => Math.max(0, fresh[name] - old[name]);
    const reason = mostly(before.drops.get(id) ?? [], now.drops.get(id) ?? []);
    const { project, port, kind } = link;
    return [
      {
        project,
        port,
        kind,
        rxPackets: perSecond(gained('rxPackets')),
        rxBits: perSecond(gained('rxBytes') * 8),
        txPackets: perSecond(gained('txPackets')),
        txBits: perSecond(gained('txBytes') * 8),
        drops: perSecond(gained('dropped')),
        ...(reason === undefined ? {} : { reason }),
      },
    ];
  });
  return items.sort((a, b) => b.rxPackets + b.txPackets - a.rxPackets - a.txPackets || b.drops - a.drops);
}

function mostly(before: readonly DropCount[], now: readonly DropCount[]): string | undefined {
  const old = new Map(before.map(({ reason, packets }) => [reason, packets]));
  const grown = now
    .map(({ reason, packets }) => ({ reason, packets: packets - (old.get(reason) ?? 0) }))
    .filter(({ packets }) => packets > 0);
  return grown.sort((a, b) => b.packets - a.packets)[0]?.reason;
}
