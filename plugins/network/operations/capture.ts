/** `weft capture`: frames of one port as they pass, as lines or as a pcapng file. */
import type { CapturedFrame } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import type { Forwarder, ObjectCache, OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { frameSummary } from './frame-summary.ts';
import { type Link, type NumberedLink, nameFor, oneLink } from './links.ts';
import { type PcapngFrame, pcapngFrame, pcapngHead } from './pcapng.ts';

const input = Type.Object(
  {
    port: Type.String({ description: 'Port, Trunk or Uplink whose frames are shown.' }),
    count: Type.Optional(Type.Integer({ description: 'End after so many frames.', minimum: 1 })),
    filter: Type.Optional(
      Type.String({ description: "Only frames that match, in pcap-filter(7) syntax: 'icmp or tcp port 80'.", maxLength: 1000 }),
    ),
    snap: Type.Optional(Type.Integer({ description: 'Take only the first bytes of each frame.', minimum: 14, maximum: 65_553 })),
  },
  { additionalProperties: false },
);
const output = Type.Object({
  time: Type.String({ description: 'When the frame passed, RFC 3339 with nanoseconds.', format: 'date-time' }),
  direction: Type.String({
    description: 'in: from the VM, or from outside; out: to it; none: a copy or an answer that was dropped before it left.',
  }),
  length: Type.Integer({ description: 'Bytes of the frame.' }),
  summary: Type.String({ description: 'What it is.' }),
  dropped: Type.Optional(Type.String({ description: 'Name of the reason for which it was dropped.' })),
  lost: Type.Optional(Type.Integer({ description: 'Frames before this one that came too fast to be shown.' })),
});
type Item = Static<typeof output>;

export const captureSpec: OperationSpec = {
  name: 'capture',
  summary: 'Frames that pass a port, both ways, with the reason of those that are dropped',
  stream: true,
  input,
  output,
  cli: {
    verb: 'capture',
    argument: 'port',
    columns: [
      { title: 'TIME', pointer: '/time' },
      { title: 'DIR', pointer: '/direction' },
      { title: 'LENGTH', pointer: '/length' },
      { title: 'SUMMARY', pointer: '/summary' },
      { title: 'DROPPED', pointer: '/dropped' },
      { title: 'LOST', pointer: '/lost', wide: true },
    ],
  },
  file: { mediaType: 'application/x-pcapng' },
};

/** Items, or the parts of a pcapng file. */
export function capture(
  context: { readonly objects: Pick<ObjectCache, 'list'>; readonly forwarder: Pick<Forwarder, 'capture'> },
  given: Static<typeof input>,
  call: OperationCall,
): AsyncGenerator<Item | Buffer> {
  const link = oneLink(context.objects, call, given.port);
  const frames = framesOf(context.forwarder, link, given, call.signal);
  return call.file === true ? fileOf(frames, link, given.snap ?? 0) : itemsOf(frames);
}

type Seen = CapturedFrame & { readonly lost: number };

/** First `null`, when the capture has begun. */
async function* framesOf(
  forwarder: Pick<Forwarder, 'capture'>,
  { id }: NumberedLink,
  { count = Number.POSITIVE_INFINITY, filter, snap }: Static<typeof input>,
  signal: AbortSignal,
): AsyncGenerator<Seen | null> {
  const request = { port: id, ...(filter === undefined ? {} : { filter }), ...(snap === undefined ? {} : { snap }) };
  let [seen, lost, begun] = [0, 0, false];
  for await (const item of forwarder.capture(request, signal)) {
    if (!begun) yield null;
    begun = true;
    for (const frame of item.frames) {
      yield { ...frame, lost: item.lost - lost };
      lost = item.lost;
      seen += 1;
      if (seen === count) return;
    }
  }
}

async function* itemsOf(frames: AsyncIterable<Seen | null>): AsyncGenerator<Item> {
  for await (const frame of frames) if (frame !== null) yield itemOf(frame);
}

function itemOf({ timestampNs, direction, length, data, reason, lost }: Seen): Item {
  return {
    time: timeOf(timestampNs),
    direction,
    length,
    summary: frameSummary(data),
    ...(reason === undefined ? {} : { dropped: reason }),
    ...(lost > 0 ? { lost } : {}),
  };
}

function timeOf(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`;
}

async function* fileOf(frames: AsyncIterable<Seen | null>, { project, port, kind }: Link, snap: number): AsyncGenerator<Buffer> {
  for await (const frame of frames) yield frame === null ? pcapngHead(nameFor({}, project, port, kind), snap) : pcapngFrame(inFile(frame));
}

function inFile({ reason, ...frame }: Seen): PcapngFrame {
  return reason === undefined ? frame : { ...frame, comment: `dropped: ${reason}` };
}
