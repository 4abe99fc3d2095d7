/** Who asks, and whether they may: before anything else of a request is looked at. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail } from '../../contract/system/index.ts';
import { formatSubject } from '../apply/index.ts';
import { asyncFailpoint } from '../failpoints/index.ts';
import { projectKind } from '../registry/index.ts';
import { authorize, Identities, readVerbs, type Tokens } from '../rights/index.ts';
import type { ObjectStore } from '../store/index.ts';
import { Trail } from './audit.ts';

export interface GuardOptions {
  readonly store: ObjectStore;
  readonly tokens: Tokens;
  /** User ids with all rights besides root and the kernel's own. */
  readonly admins: readonly number[];
  /** User id at the other end of a connection, null when unknown. */
  readonly peerUid: (socket: Socket) => number | null;
}

/** @throws Error for routes that do not say what they need */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const uids = new WeakMap<Socket, number | null>();
  const identities = new Identities(options.store, options.tokens, options.admins);
  app.decorateRequest('identity');
  app.decorateRequest('renew');
  app.decorateRequest('trail');
  app.server.on('connection', (socket: Socket) => uids.set(socket, options.peerUid(socket)));
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.access === undefined) throw new Error(`route ${String(method)} ${url} names no access`);
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    const { socket } = request.raw;
    const uid = (uids.has(socket) ? uids.get(socket) : options.peerUid(socket)) ?? null;
    const { verb, kind } = request.routeOptions.config.access ?? { verb: 'get', kind: 'paths' };
    request.trail = new Trail(uid === null ? (socket.remoteAddress ?? '') : `uid ${uid}`);
    await asyncFailpoint('api.request');
    assertHost(request);
    identifyWith(request, identities, uid);
    const params = request.params as { project?: string; name?: string } | undefined;
    // the list holds only those that the caller may see
    if (kind === projectKind.kind && verb === 'list' && request.identity.bindings.length > 0) return;
    authorize(request.identity, verb, kind, kind === projectKind.kind ? params?.name : params?.project);
    // not before: what nobody with rights has sent must not fill the log
    request.trail.audited = !readVerbs.includes(verb);
  });
}

/** RFC 9112 §3.2. */
function assertHost({ headers, raw }: FastifyRequest): void {
  if (headers.host !== undefined || raw.httpVersion === '1.0') return;
  throw fail('MALFORMED', 'the request has no header Host', 'send one');
}

function identifyWith(request: FastifyRequest, identities: Identities, uid: number | null): void {
  const { authorization } = request.headers;
  const certificate = certificateOf(request.raw.socket);
  request.renew = () => {
    request.identity = identities.identify({ uid, certificate, authorization });
    return request.identity;
  };
  const { subject } = request.renew();
  request.trail.subject = formatSubject(subject);
  request.trail.by = subject.kind === 'token' ? 'token' : subject.kind === 'cert' ? 'certificate' : 'uid';
}

/** Common name of a client certificate that the server's authority has signed. */
function certificateOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  return typeof subject?.CN === 'string' ? subject.CN : undefined;
}
