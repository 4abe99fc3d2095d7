/** `ports.capture`: frames of one port as they pass. Lives in the main isolate, so that a stream outlives a Worker, and its capture ends with it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { CapturedFrame, CaptureRequest, ForwarderCalls } from '@weft/kernel/contract/net';
import { fail, type ItemOf } from '@weft/kernel/contract/system';
import { directions, type Forwarder, ForwarderError, type CapturedFrame as Packed } from '../binding/index.ts';
import { refusal } from './refusals.ts';

type Item = ItemOf<ForwarderCalls, 'ports.capture'>;
type Library = Pick<Forwarder, 'filterCompile' | 'captureOpen' | 'captureRead' | 'captureClose' | 'dropName'>;

const intervalMs = 20;
const notDropped = 0xffff;
const directionNames = { [directions.IN]: 'in', [directions.OUT]: 'out', [directions.NONE]: 'none' } as const;

/** The first item is empty and says that the capture has begun. It ends when the reader stops. */
export async function* capture(library: Library, request: CaptureRequest, signal: AbortSignal): AsyncGenerator<Item> {
  const filter = await compiled(library, request.filter ?? '');
  // A capture whose reader has just gone ends before the next begins.
  await pause(0);
  if (signal.aborted) return;
  const number = opened(library, request, filter);
  try {
    yield { frames: [], lost: 0 };
    while (!signal.aborted) {
      const frames = library.captureRead(number);
      const lost = frames.at(-1)?.lost;
      // The port is free again as soon as the reader is gone.
      if (lost === undefined) await pause(intervalMs, undefined, { signal }).catch(() => undefined);
      else yield { frames: frames.map((frame) => described(frame, library)), lost: Number(lost) };
    }
  } finally {
    library.captureClose(number);
  }
}

async function compiled(library: Library, text: string): Promise<Buffer> {
  if (text === '') return Buffer.alloc(0);
  try {
    return await library.filterCompile(text);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw refusal(thrown);
    throw fail('INVALID', `the filter '${text}' is wrong: ${thrown.message}`, 'see pcap-filter(7): icmp, tcp port 80, host 10.0.0.1');
  }
}

function opened(library: Library, { port, snap = 0 }: CaptureRequest, filter: Buffer): number {
  try {
    return library.captureOpen(port, snap, filter);
  } catch (thrown) {
    if (thrown instanceof ForwarderError && thrown.code === 'FULL') throw fail('CONFLICT', thrown.message, 'end the other capture first');
    throw refusal(thrown);
  }
}

function described({ timestampNs, direction, length, reason, data }: Packed, library: Library): CapturedFrame {
  const name = directionNames[direction as keyof typeof directionNames];
  return { timestampNs, direction: name, length, data, ...(reason === notDropped ? {} : { reason: library.dropName(reason) }) };
}
