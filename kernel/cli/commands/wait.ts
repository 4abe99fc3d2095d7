/** `weft wait`: until an object is ready, or gone. Exit 3 when it takes longer than the timeout. */
import { type Command, Option } from 'commander';
import { formatKey, type WeftObject } from '../../contract/system/index.ts';
import { parseDuration } from '../duration.ts';
import { exitCodes, failure } from '../errors.ts';
import { keyIn, kindNamed, type OwnedKind, scopeOf } from '../kinds.ts';
import { valueAt } from '../output.ts';
import type { GlobalOptions, Session } from '../session.ts';
import { watchObjects } from '../watch.ts';

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
      const kind = await kindNamed(session.client, kindName);
      const last = await waitFor(session, kind, name, options);
      if (last.reached) return;
      const key = formatKey(keyIn(kind, scopeOf(options), name));
      const what =
        options.for === 'ready' ? `is not ready after ${options.timeout / 1000} s` : `still exists after ${options.timeout / 1000} s`;
      throw failure(`${key} ${what}`, stateOf(last.object), `see: weft describe ${kind.kind} ${name}`, exitCodes.notInTime);
    });
}

/** Follows the object until it is as wanted or the time is over; `object` is what it was last. */
async function waitFor(
  session: Session,
  kind: OwnedKind,
  name: string,
  options: Options,
): Promise<{ reached: boolean; object?: WeftObject }> {
  const timeout = AbortSignal.timeout(options.timeout);
  const signal = AbortSignal.any([timeout, session.io.signal]);
  let object: WeftObject | undefined;
  const state = () => (object === undefined ? {} : { object });
  for await (const item of watchObjects(session.client, kind, { ...scopeOf(options), all: false }, signal)) {
    if (item.type === 'snapshot') object = item.items.find(({ metadata }) => metadata.name === name);
    else if (item.object.metadata.name === name) object = item.type === 'deleted' ? undefined : item.object;
    const reached = options.for === 'deleted' ? object === undefined : object !== undefined && isReady(object, kind);
    if (reached) return { reached, ...state() };
  }
  session.io.signal.throwIfAborted();
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
