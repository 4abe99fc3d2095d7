/** The API on the network: the same routes behind TLS. Callers are known by a token or by a certificate. */
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { fail, type TlsHandoff } from '../../contract/system/index.ts';
import { answerUnreadable } from './unread.ts';

/** Of callers that nobody knows yet. */
const handshakeMs = 10_000;
const maxConnections = 1_024;

/** @throws INTERNAL when it cannot listen there; INVALID when certificate and key are none */
export async function listenOnTls(app: FastifyInstance, { host, port, certificate, key, clientCa, crl }: TlsHandoff): Promise<Server> {
  await app.ready();
  const server = makeServer({
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
    requireHostHeader: false,
    handshakeTimeout: handshakeMs,
    // a caller without a certificate may still bring a token
    ...(clientCa === undefined
      ? {}
      : { ca: clientCa, requestCert: true, rejectUnauthorized: false, ...(crl === undefined ? {} : { crl }) }),
  });
  server.maxConnections = maxConnections;
  for (const event of ['request', 'checkExpectation'] as const) server.on(event, (request, response) => app.routing(request, response));
  server.on('clientError', (error, socket) => answerUnreadable(error, socket as TLSSocket));
  return await new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(fail('INTERNAL', `the API cannot listen at ${host}:${port}: ${cause.message}`, 'choose another address in api.tls.listen')),
    );
    server.listen(port, host, () => resolve(server));
  });
}

function makeServer(options: Parameters<typeof createServer>[0] & object): Server {
  try {
    return createServer(options);
  } catch (cause) {
    throw fail('INVALID', `api.tls: ${(cause as Error).message}`, 'give a PEM certificate and its own key');
  }
}
