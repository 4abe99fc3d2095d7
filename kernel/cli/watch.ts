/** Objects of one kind as they are and as they change, across restarts of the kernel. */
import type { KindSpec, ObjectEvent, WeftObject } from '../contract/system/index.ts';
import { type Client, Unreachable } from './client.ts';
import { CommandFailure } from './errors.ts';
import { pathOf, type Scope } from './kinds.ts';

const retryMs = 500;

export interface Snapshot {
  readonly type: 'snapshot';
  readonly revision: number;
  readonly items: readonly WeftObject[];
}

/**
 * A snapshot of all objects in the scope first, then one event per change; another snapshot when the API's log no longer reaches back.
 * Fails when the API is not there at the start; later it waits for the API to come back. Ends by `signal`.
 */
export async function* watchObjects(
  client: Client,
  kind: KindSpec,
  scope: Scope,
  signal: AbortSignal,
): AsyncGenerator<Snapshot | ObjectEvent> {
  let since: number | undefined;
  let begun = false;
  while (!signal.aborted) {
    try {
      if (since === undefined) {
        const list = await client.json<{ revision: number; items: readonly WeftObject[] }>(pathOf(kind, scope), { signal });
        since = list.revision;
        begun = true;
        yield { type: 'snapshot', revision: list.revision, items: list.items };
      }
      const query = new URLSearchParams({ kinds: kind.kind, since: String(since) });
      for await (const { id, event, data } of client.events(`/v1/watch?${query}`, { signal })) {
        const type = eventTypes.find((known) => known === event);
        if (type === undefined) continue;
        since = Number(id);
        const object = data as WeftObject;
        if (isIn(object, scope)) yield { revision: since, type, object };
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof CommandFailure && error.code === 'REVISION_GONE') since = undefined;
      else if (!begun || !passes(error)) throw error;
    }
    await pause(retryMs, signal);
  }
}

const eventTypes = ['created', 'updated', 'deleted'] as const;

/** A break that a restart of the kernel explains; anything else is told to the user. */
function passes(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof CommandFailure && error.code === 'UNAVAILABLE');
}

function isIn(object: WeftObject, scope: Scope): boolean {
  return scope.all || object.metadata.project === undefined || object.metadata.project === scope.project;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
