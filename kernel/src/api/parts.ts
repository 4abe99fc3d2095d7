/** What the routes are made of, and what each must say of itself. */
import type { Confirmations, Pipeline } from '../apply/index.ts';
import type { Registry } from '../registry/index.ts';
import type { Identity, Tokens, Verb } from '../rights/index.ts';
import type { ObjectStore } from '../store/index.ts';
import type { Trail } from './audit.ts';
import type { Metrics } from './metrics.ts';
import type { BodyParser } from './parse.ts';
import type { PluginControl } from './plugin-control.ts';
import type { Problem } from './problem.ts';

export interface ApiParts {
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly pipeline: Pipeline;
  readonly confirmations: Confirmations;
  readonly tokens: Tokens;
  readonly plugins: PluginControl;
  readonly parser: BodyParser;
  readonly metrics: Metrics;
  readonly version: string;
  /** Folder of the processes' logs. */
  readonly logDir: string;
  /** Who may watch at once. */
  readonly maxWatchers: number;
  /** The file of a backup, part by part; with the key of secrets only when it is asked for. */
  readonly backup: (withKey: boolean) => AsyncIterable<Buffer>;
}

export interface Access {
  readonly verb: Verb;
  readonly kind: string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says what it needs; one that does not is refused at start. */
    access?: Access;
  }
  interface FastifyRequest {
    identity: Identity;
    trail: Trail;
    /** Writes the request's line of the audit log, once, if it gets one. */
    audit: (status: number) => void;
    /** Who the caller is by now, for answers that go on for long. @throws UNAUTHENTICATED when its token has ended */
    renew: () => Identity;
    /** What was thrown, as the caller may see it. */
    problemOf: (thrown: unknown) => Problem;
  }
}
