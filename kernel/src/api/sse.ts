/** Server-sent events (WHATWG HTML §9.2). */
import { once } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface ServerSentEvent {
  readonly id?: number;
  readonly event: string;
  readonly data: unknown;
}

export const heartbeatMs = 15_000;
/** A comment: proxies cut connections that say nothing. */
export const heartbeat = Buffer.from(': still here\n\n');

/** Sends what the source gives until it ends or the client leaves; a failure becomes an event `error` with a problem document. */
export async function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  source: (signal: AbortSignal) => AsyncIterable<readonly ServerSentEvent[]>,
): Promise<void> {
  const abort = new AbortController();
  const raw = beginEvents(request, reply);
  raw.on('close', () => abort.abort());
  const beat = setInterval(() => raw.write(heartbeat), heartbeatMs);
  try {
    for await (const batch of source(abort.signal)) {
      if (abort.signal.aborted) break;
      const roomy = raw.write(batch.map(formatEvent).join(''));
      if (!roomy) await once(raw, 'drain', { signal: abort.signal });
    }
  } catch (thrown) {
    if (!abort.signal.aborted) {
      request.log.info({ err: thrown }, 'stream ended with an error');
      raw.write(formatEvent({ event: 'error', data: request.problemOf(thrown) }));
    }
  } finally {
    clearInterval(beat);
    abort.abort();
    raw.end();
  }
}

/** From here on the connection is the caller's own affair. */
export function beginEvents(request: FastifyRequest, reply: FastifyReply): FastifyReply['raw'] {
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    'x-request-id': request.id,
  });
  raw.write(': connected\n\n');
  return raw;
}

export function formatEvent({ id, event, data }: ServerSentEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What the source gives, as long as the caller may have more. @param mayGoOn throws when he may not */
export async function* guarded<T>(source: AsyncIterable<T>, mayGoOn: () => void): AsyncGenerator<T> {
  for await (const part of source) {
    mayGoOn();
    yield part;
  }
}

/** Aborts when the caller goes away. */
export function signalOf(response: NodeJS.EventEmitter): AbortSignal {
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  return abort.signal;
}
