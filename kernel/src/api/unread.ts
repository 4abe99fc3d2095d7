/** Answers to what never becomes a request: bytes that are no HTTP, and paths that are none. */
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { fail } from '../../contract/system/index.ts';
import { problemOf, problemType } from './problem.ts';

/** Errors of the connection for which nobody waits for an answer any more. */
const silent: readonly string[] = ['ECONNRESET', 'EPIPE'];

/** The path cannot be decoded, or a part of it is too long. */
export function answerUnrouted(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { error: data } = fail('MALFORMED', error.message.slice(0, 200), 'GET /openapi.json lists all paths');
  const problem = problemOf(data);
  void reply.code(problem.status).header('x-request-id', request.id).type(problemType).send(problem);
}

/** Node's parser gave up on the connection, which ends with the answer. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (silent.includes(error.code ?? '') || socket.destroyed) return;
  const { error: data } = fail('MALFORMED', 'this is no HTTP request that can be read', 'send HTTP/1.1 with headers of at most 16 KiB');
  const problem = problemOf(data);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} Bad Request`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}
