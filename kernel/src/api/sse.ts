/** Server-sent events (WHATWG HTML §9.2). */
import { once } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toWeftError } from '../../contract/system/index.ts';
import { problemOf } from './problem.ts';

export interface ServerSentEvent {
  readonly id?: number;
  readonly event: string;
  readonly data: unknown;
}

const heartbeatMs = 15_000;

/** Sends what the source gives until it ends or the client leaves; a failure becomes an event `error` with a problem document. */
export async function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  source: (signal: AbortSignal) => AsyncIterable<readonly ServerSentEvent[]>,
): Promise<void> {
  const abort = new AbortController();
  const { raw } = reply;
  reply.hijack();
  raw.on('close', () => abort.abort());
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' });
  raw.write(': connected\n\n');
  const heartbeat = setInterval(() => raw.write(': still here\n\n'), heartbeatMs);
  try {
    for await (const batch of source(abort.signal)) {
      if (abort.signal.aborted) break;
      const roomy = raw.write(batch.map(format).join(''));
      if (!roomy) await once(raw, 'drain', { signal: abort.signal });
    }
  } catch (thrown) {
    if (!abort.signal.aborted) {
      request.log.info({ err: thrown }, 'stream ended with an error');
      raw.write(format({ event: 'error', data: problemOf(toWeftError(thrown)) }));
    }
  } finally {
    clearInterval(heartbeat);
    abort.abort();
    raw.end();
  }
}

function format({ id, event, data }: ServerSentEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Aborts when the caller goes away. */
export function signalOf(response: NodeJS.EventEmitter): AbortSignal {
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  return abort.signal;
}
