/** The HTTP API: one Fastify instance, whatever it listens on. */
import { chmod, rm } from 'node:fs/promises';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
  type RouteOptions,
} from 'fastify';
import { fail, toWeftError, type WeftError, WeftFailure } from '../../contract/system/index.ts';
import type { ProcessMetrics } from '../../metrics/index.ts';
import { asyncFailpoint } from '../failpoints/index.ts';
import { type Registry, suggestion } from '../registry/index.ts';
import { type AuditLog, auditRequests } from './audit.ts';
import { type GuardOptions, guard } from './guard.ts';
import { Metrics } from './metrics.ts';
import { BodyParser } from './parse.ts';
import type { ApiParts } from './parts.ts';
import { type Problem, problemOf, problemType } from './problem.ts';
import { Redaction } from './redaction.ts';
import { requestId } from './request-id.ts';
import { applyRoutes } from './routes/apply.ts';
import { auditRoutes } from './routes/audit.ts';
import { backupRoutes } from './routes/backup.ts';
import { documentRoutes } from './routes/documents.ts';
import { historyRoutes } from './routes/history.ts';
import { objectRoutes } from './routes/objects.ts';
import { operationRoutes } from './routes/operations.ts';
import { orphanRoutes } from './routes/orphans.ts';
import { pluginRoutes } from './routes/plugins.ts';
import { settingRoutes } from './routes/settings.ts';
import { statusRoutes } from './routes/status.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { watchRoutes } from './routes/watch.ts';
import { answerUnreadable, answerUnrouted } from './unread.ts';

export interface ApiOptions extends Omit<ApiParts, 'parser' | 'metrics'>, GuardOptions {
  readonly audit: AuditLog;
  /** Hears of every route. */
  readonly onRoute?: ((route: RouteOptions) => void) | undefined;
  readonly logger?: FastifyBaseLogger;
  /** What the kernel's process counts beside the API. */
  readonly process?: ProcessMetrics;
}

export const maxBodyBytes = 32 * 1024 * 1024;
const mediaTypes = ['application/json', 'application/merge-patch+json', 'application/yaml', 'application/x-yaml', 'text/yaml'];

export function buildApi(options: ApiOptions): FastifyInstance {
  const { registry } = options;
  const app: FastifyInstance = Fastify({
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    genReqId: requestId,
    frameworkErrors: answerUnrouted,
    // refused by the guard, in words
    http: { requireHostHeader: false },
    clientErrorHandler: answerUnreadable,
    ...(options.logger === undefined
      ? {}
      : { loggerInstance: options.logger, logController: new LogController({ disableRequestLogging: true }) }),
  });
  const parts: ApiParts = { ...options, parser: new BodyParser(registry), metrics: metricsOf(options) };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(mediaTypes, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  // an expectation that nobody knows is no reason not to answer
  app.server.on('checkExpectation', (request, response) => app.routing(request, response));
  guard(app, options);
  app.addHook('onRequest', ({ routeOptions }, _reply, done) => {
    registry.assertServed(routeOptions.config.access?.kind ?? '');
    done();
  });
  auditRequests(app, options.audit);
  app.addHook('onSend', async () => await asyncFailpoint('api.before-answer'));
  parts.metrics.observe(app);
  const redaction = new Redaction(registry);
  app.decorateRequest('problemOf', function (this: FastifyRequest, thrown: unknown): Problem {
    return problemOf(redaction.of(asWeftError(thrown as FastifyError | WeftFailure, this), this.identity));
  });
  app.setErrorHandler((thrown: FastifyError | WeftFailure, request, reply) => {
    const problem = request.problemOf(thrown);
    if (problem.code === 'INTERNAL') request.log.error({ err: thrown }, 'request failed');
    request.trail.code = problem.code;
    if (problem.code === 'UNAUTHENTICATED') void reply.header('www-authenticate', 'Bearer');
    return reply.code(problem.status).type(problemType).send(problem);
  });
  app.setNotFoundHandler((request) => {
    throw notFound(registry, request);
  });
  if (options.onRoute !== undefined) app.addHook('onRoute', options.onRoute);
  for (const routes of [
    objectRoutes,
    orphanRoutes,
    applyRoutes,
    auditRoutes,
    backupRoutes,
    historyRoutes,
    watchRoutes,
    operationRoutes,
    pluginRoutes,
    settingRoutes,
    tokenRoutes,
    statusRoutes,
    documentRoutes,
  ])
    routes(app, parts);
  app.addHook('onClose', () => parts.parser.close());
  return app;
}

function metricsOf({ store, plugins, process, logger }: ApiOptions): Metrics {
  const onProblem = (problem: string): void => logger?.warn(problem);
  return new Metrics({ store, plugins, onProblem, ...(process === undefined ? {} : { process }) });
}

/** Connections that may wait for their turn; the system has a limit of its own (net.core.somaxconn). */
const backlog = 4_096;

/** Serves on a unix socket that anyone may open: what they may do is decided by who they are. */
export async function listenOnSocket(app: FastifyInstance, path: string): Promise<void> {
  // the launcher's lock says that nobody else serves it
  await rm(path, { force: true });
  await app.listen({ path, backlog });
  await chmod(path, 0o666);
}

function asWeftError(thrown: FastifyError | WeftFailure, { routeOptions }: FastifyRequest): WeftError {
  if (thrown instanceof WeftFailure) return thrown.error;
  switch (thrown.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return fail('TOO_LARGE', `the body is larger than ${routeOptions.bodyLimit / 1024 / 1024} MiB`, 'split it into several requests')
        .error;
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
