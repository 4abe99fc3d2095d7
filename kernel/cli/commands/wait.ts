/** `weft wait`: until an object is ready, or gone. Exit 3 when it takes longer than the timeout. */
import { type Command, Option } from 'commander';
import { formatKey, type WeftObject } from '../../contract/system/index.ts';
import { type Client, longestAnswerMs } from '../client.ts';
import { parseDuration } from '../duration.ts';
import { exitCodes, failure } from '../errors.ts';
import { keyIn, kindNamed, type OwnedKind, scopeOf } from '../kinds.ts';
import { valueAt } from '../output.ts';
import type { GlobalOptions, Session } from '../session.ts';
import { watchObjects } from '../watch.ts';

/** However short the time is, one look at the object may take so long. */
const oneLookMs = 1_000;
/** Node's timers go no further. */
const longestTimerMs = 2 ** 31 - 1;

interface Options extends GlobalOptions {
  readonly for: 'ready' | 'deleted';
  readonly timeout: number;
}

export function addWait(program: Command, session: Session): void {
  program
    .command('wait')
    .description('wait until an object is ready or deleted; exit 3: not in time')
    .argument('<kind>')
    .argument('<name>')
    .addOption(new Option('--for <what>', 'what to wait for').choices(['ready', 'deleted']).makeOptionMandatory())
    .addOption(new Option('--timeout <duration>', 'how long').argParser(parseDuration).default(30_000, '30s'))
    .action(async (kindName: string, name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const client = session.clientWithin(Math.min(Math.max(options.timeout, oneLookMs), longestAnswerMs));
      const kind = await kindNamed(client, kindName);
      const key = formatKey(keyIn(kind, scopeOf(options), name));
      const last = await waitFor(session.io.signal, client, { kind, name }, options);
      if (last.reached) return;
      const what =
        options.for === 'ready' ? `is not ready after ${options.timeout / 1000} s` : `still exists after ${options.timeout / 1000} s`;
      throw failure(`${key} ${what}`, stateOf(last.object), `see: weft describe ${kind.kind} ${name}`, exitCodes.notInTime);
    });
}

/** Follows the object until it is as wanted or the time is over, but looks at least once; `object` is what it was last. */
async function waitFor(
  interrupted: AbortSignal,
  client: Client,
  { kind, name }: { kind: OwnedKind; name: string },
  options: Options,
): Promise<{ reached: boolean; object?: WeftObject }> {
  const started = performance.now();
  const expiry = new AbortController();
  const expireIn = (ms: number) => setTimeout(() => expiry.abort(), Math.min(Math.max(ms, 0), longestTimerMs));
  let timer = expireIn(Math.max(options.timeout, oneLookMs));
  let object: WeftObject | undefined;
  const state = () => (object === undefined ? {} : { object });
  try {
    const signal = AbortSignal.any([expiry.signal, interrupted]);
    for await (const item of watchObjects(client, kind, { ...scopeOf(options), all: false }, signal)) {
      if (item.type === 'snapshot') object = item.items.find(({ metadata }) => metadata.name === name);
      else if (item.object.metadata.name === name) object = item.type === 'deleted' ? undefined : item.object;
      const reached = options.for === 'deleted' ? object === undefined : object !== undefined && isReady(object, kind);
      if (reached) return { reached, ...state() };
      clearTimeout(timer);
      timer = expireIn(options.timeout - (performance.now() - started));
    }
  } finally {
    clearTimeout(timer);
  }
  interrupted.throwIfAborted();
  return { reached: false, ...state() };
}

/** A kind whose status has a phase is ready when it is Active; others are as soon as they exist. */
function isReady(object: WeftObject, kind: OwnedKind): boolean {
  return valueAt(kind.status, '/properties/phase') === undefined || object.status.phase === 'Active';
}

function stateOf(object: WeftObject | undefined): string {
  if (object === undefined) return 'it does not exist';
  const { phase, reason } = object.status;
  if (typeof phase !== 'string') return 'it has no phase';
  return `phase ${phase}${typeof reason === 'string' && reason !== '' ? `, ${reason}` : ''}`;
}
