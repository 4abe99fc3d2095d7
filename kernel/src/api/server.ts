/** The HTTP API: one Fastify instance, whatever it listens on. */
import { chmod, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import Fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { fail, toWeftError, type WeftError, WeftFailure } from '../../contract/system/index.ts';
import { projectKind, type Registry, suggestion } from '../registry/index.ts';
import { authorize, Identities } from '../rights/index.ts';
import { Metrics } from './metrics.ts';
import { BodyParser } from './parse.ts';
import type { ApiParts } from './parts.ts';
import { problemOf, problemType } from './problem.ts';
import { applyRoutes } from './routes/apply.ts';
import { documentRoutes } from './routes/documents.ts';
import { historyRoutes } from './routes/history.ts';
import { objectRoutes } from './routes/objects.ts';
import { operationRoutes } from './routes/operations.ts';
import { pluginRoutes } from './routes/plugins.ts';
import { statusRoutes } from './routes/status.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { watchRoutes } from './routes/watch.ts';

export interface ApiOptions extends Omit<ApiParts, 'parser' | 'metrics'> {
  /** User ids with all rights besides root and the kernel's own. */
  readonly admins: readonly number[];
  /** User id at the other end of a connection, null when unknown. */
  readonly peerUid: (socket: Socket) => number | null;
  readonly logger?: FastifyBaseLogger;
}

export const maxBodyBytes = 32 * 1024 * 1024;
const mediaTypes = ['application/json', 'application/merge-patch+json', 'application/yaml', 'application/x-yaml', 'text/yaml'];

export function buildApi(options: ApiOptions): FastifyInstance {
  const { registry } = options;
  const app: FastifyInstance = Fastify({
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    ...(options.logger === undefined
      ? {}
      : { loggerInstance: options.logger, logController: new LogController({ disableRequestLogging: true }) }),
  });
  const parts: ApiParts = { ...options, parser: new BodyParser(registry), metrics: new Metrics(options.store, options.plugins) };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(mediaTypes, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.decorateRequest('identity');
  app.decorateRequest('renew');
  guard(app, options);
  parts.metrics.observe(app);
  app.setErrorHandler((thrown: FastifyError | WeftFailure, request, reply) => {
    const error = asWeftError(thrown);
    if (error.code === 'INTERNAL') request.log.error({ err: thrown }, 'request failed');
    const problem = problemOf(error);
    return reply.code(problem.status).type(problemType).send(problem);
  });
  app.setNotFoundHandler((request) => {
    throw notFound(registry, request);
  });
  for (const routes of [
    objectRoutes,
    applyRoutes,
    historyRoutes,
    watchRoutes,
    operationRoutes,
    pluginRoutes,
    tokenRoutes,
    statusRoutes,
    documentRoutes,
  ])
    routes(app, parts);
  app.addHook('onClose', () => parts.parser.close());
  return app;
}

/** Serves on a unix socket that anyone may open: what they may do is decided by who they are. */
export async function listenOnSocket(app: FastifyInstance, path: string): Promise<void> {
  // the launcher's lock says that nobody else serves it
  await rm(path, { force: true });
  await app.listen({ path });
  await chmod(path, 0o666);
}

function guard(app: FastifyInstance, options: ApiOptions): void {
  const uids = new WeakMap<Socket, number | null>();
  const identities = new Identities(options.store, options.tokens, options.admins);
  app.server.on('connection', (socket: Socket) => uids.set(socket, options.peerUid(socket)));
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.access === undefined) throw new Error(`route ${String(method)} ${url} names no access`);
  });
  app.addHook('onRequest', async (request) => {
    const { socket } = request.raw;
    const uid = uids.has(socket) ? uids.get(socket) : options.peerUid(socket);
    const credentials = {
      uid: uid ?? null,
      certificate: certificateOf(socket),
      authorization: request.headers.authorization,
    };
    request.renew = () => {
      request.identity = identities.identify(credentials);
      return request.identity;
    };
    request.renew();
    const { verb, kind } = request.routeOptions.config.access ?? { verb: 'get', kind: 'paths' };
    const params = request.params as { project?: string; name?: string } | undefined;
    // the list holds only those that the caller may see
    if (kind === projectKind.kind && verb === 'list' && request.identity.bindings.length > 0) return;
    authorize(request.identity, verb, kind, kind === projectKind.kind ? params?.name : params?.project);
  });
}

/** Common name of a client certificate that the server's authority has signed. */
function certificateOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  return typeof subject?.CN === 'string' ? subject.CN : undefined;
}

function asWeftError(thrown: FastifyError | WeftFailure): WeftError {
  if (thrown instanceof WeftFailure) return thrown.error;
  switch (thrown.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return fail('TOO_LARGE', `the body is larger than ${maxBodyBytes / 1024 / 1024} MiB`, 'split it into several requests').error;
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return fail('MALFORMED', 'this content type is not taken', `send ${mediaTypes.join(', ')}`).error;
    default: {
      const isClient = thrown.statusCode !== undefined && thrown.statusCode >= 400 && thrown.statusCode < 500;
      return isClient ? fail('MALFORMED', thrown.message).error : toWeftError(thrown);
    }
  }
}

function notFound(registry: Registry, request: FastifyRequest): WeftFailure {
  const [path = ''] = request.url.split('?');
  const [version, first, second] = path.split('/').slice(1);
  const word = second ?? first;
  if (version !== 'v1' || word === undefined)
    return fail('NOT_FOUND', `there is no ${request.method} ${path}`, 'GET /openapi.json lists all paths');
  const kind = registry.find(word);
  if (kind?.spec.plural === word) {
    const base = kind.spec.scope === 'system' ? `/v1/${word}` : `/v1/{project}/${word}`;
    return fail('NOT_FOUND', `there is no ${request.method} ${path}`, `${kind.spec.kind} is served at ${base}`);
  }
  const plurals = registry.kinds.map(({ spec }) => spec.plural);
  return fail('NOT_FOUND', `there is no ${request.method} ${path}: no kind is called "${word}"`, suggestion(word, plurals, 'kind'));
}
