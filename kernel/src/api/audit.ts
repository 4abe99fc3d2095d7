/** The audit log: who asked to change something, and who was refused. One line of JSON for each such request; bodies and secrets are in none. */
import { writeSync } from 'node:fs';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { formatKey, type ObjectKey } from '../../contract/system/index.ts';

export interface AuditLine {
  /** When it was answered; RFC 3339, UTC. */
  readonly time: string;
  /** As in the header X-Request-Id of the answer. */
  readonly request: string;
  /** As in the history; null when the caller is unknown. */
  readonly subject: string | null;
  /** How the caller was known. */
  readonly by: 'uid' | 'token' | 'certificate' | null;
  /** Where it came from: `uid 1000` (a user of this machine), or an address. */
  readonly source: string;
  readonly method: string;
  /** Of the API, with its parameters in `{}`; null when there is none. */
  readonly route: string | null;
  /** What stands in the place of these parameters. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The first of the objects that it was about. */
  readonly objects: readonly string[];
  /** How many those are in all. */
  readonly count: number;
  readonly dryRun: boolean;
  readonly status: number;
  /** Of the error; empty when it was done. */
  readonly code: string;
  /** Of the store after a change, null otherwise. */
  readonly revision: number | null;
  readonly milliseconds: number;
  /** Refusals before this line that were not written, because there were too many of them. */
  readonly skipped: number;
}

/** What a request leaves behind for its line, collected while it is served. */
export class Trail {
  readonly source: string;
  readonly begunAt = performance.now();
  subject: string | null = null;
  by: AuditLine['by'] = null;
  /** Written whatever comes of it; refusals are written in any case. */
  audited = false;
  code = '';
  revision: number | null = null;
  dryRun = false;
  objects: string[] = [];
  count = 0;
  /** The line is written. */
  told = false;

  constructor(source: string) {
    this.source = source;
  }

  /** A change begins, maybe once more. */
  restart(): void {
    this.objects = [];
    this.count = 0;
  }

  add(key: ObjectKey): void {
    this.count += 1;
    if (this.objects.length < namedObjects) this.objects.push(formatKey(key));
  }
}

/** Named in one line. */
const namedObjects = 20;
const longestParameter = 80;
/** Refusals that are written: this many at once, so many a second afterwards. Nobody without rights shall fill the disk. */
const refusalBurst = 500;
const refusalsPerSecond = 20;

export class AuditLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #allowance = refusalBurst;
  #asOf: number;
  #skipped = 0;
  /** The last line may be there in part. */
  #torn = false;

  constructor(write: (line: string) => void, now: () => number = Date.now) {
    this.#write = write;
    this.#now = now;
    this.#asOf = now();
  }

  /** Writes where the launcher has opened the file for appending: whole before it returns, and on the disk when the system puts it there. */
  static onDescriptor(descriptor: number): AuditLog {
    return new AuditLog((line) => {
      const bytes = Buffer.from(line);
      // a disk that is full takes a part
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
    });
  }

  /** @throws what the write throws */
  record(line: Omit<AuditLine, 'time' | 'skipped'>): void {
    const now = this.#now();
    if (isRefusal(line.status) && !this.#allows(now)) {
      this.#skipped += 1;
      return;
    }
    const whole: AuditLine = { time: new Date(now).toISOString(), ...line, skipped: this.#skipped };
    const torn = this.#torn;
    this.#torn = true;
    this.#write(`${torn ? '\n' : ''}${JSON.stringify(whole)}\n`);
    this.#torn = false;
    this.#skipped = 0;
  }

  #allows(now: number): boolean {
    const earned = Math.max(0, ((now - this.#asOf) * refusalsPerSecond) / 1_000);
    this.#allowance = Math.min(refusalBurst, this.#allowance + earned);
    this.#asOf = now;
    if (this.#allowance < 1) return false;
    this.#allowance -= 1;
    return true;
  }
}

function isRefusal(status: number): boolean {
  return status === 401 || status === 403;
}

/** Lines are written before the answer leaves; of streams when they begin. */
export function auditRequests(app: FastifyInstance, log: AuditLog): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    request.audit(reply.statusCode);
    done();
  });
  app.decorateRequest('audit', function (this: FastifyRequest, status: number): void {
    const { trail } = this;
    if (trail.told || !(trail.audited || isRefusal(status))) return;
    trail.told = true;
    try {
      log.record(lineOf(this, status));
    } catch (thrown) {
      // what was done is done, and the history has it
      this.log.error({ err: thrown }, 'the audit log cannot be written');
    }
  });
}

function lineOf({ id, trail, method, params, routeOptions }: FastifyRequest, status: number): Omit<AuditLine, 'time' | 'skipped'> {
  const { subject, by, source, objects, count, dryRun, code, revision } = trail;
  const parameters = Object.entries((params ?? {}) as Record<string, string>).filter(([name]) => name !== '*');
  return {
    request: id,
    subject,
    by,
    source,
    method,
    route: routeOptions.url?.replaceAll(/:(\w+)/g, '{$1}') ?? null,
    parameters: Object.fromEntries(parameters.map(([name, value]) => [name, value.slice(0, longestParameter)])),
    objects,
    count,
    dryRun,
    status,
    code,
    revision,
    milliseconds: Math.round(performance.now() - trail.begunAt),
  };
}
