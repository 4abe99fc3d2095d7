/** `weft describe`: all about one object, for reading. */
import type { Command } from 'commander';
import { formatKey, keyOf, type WeftObject } from '../../contract/system/index.ts';
import type { Client } from '../client.ts';
import { CommandFailure } from '../errors.ts';
import { kindNamed, pathOf, scopeOf } from '../kinds.ts';
import { toYaml } from '../output.ts';
import type { GlobalOptions, Session } from '../session.ts';

export function addDescribe(program: Command, session: Session): void {
  program
    .command('describe')
    .description('show all about one object, with its alarms')
    .argument('<kind>')
    .argument('<name>')
    .action(async (kindName: string, name: string, _options: unknown, command: Command) => {
      const scope = scopeOf(command.optsWithGlobals<GlobalOptions>());
      const kind = await kindNamed(session.client, kindName);
      const object = await session.client.json<WeftObject>(pathOf(kind, scope, name), { about: `${kind.kind} ${name}` });
      session.io.out(describe(object, await alarmsOf(session.client)));
    });
}

/** Who sees the object does not see all of the appliance for that: null. */
async function alarmsOf(client: Client): Promise<readonly WeftObject[] | null> {
  try {
    return (await client.json<{ items: readonly WeftObject[] }>('/v1/alarms')).items;
  } catch (thrown) {
    if (thrown instanceof CommandFailure && thrown.code === 'FORBIDDEN') return null;
    throw thrown;
  }
}

function describe(object: WeftObject, alarms: readonly WeftObject[] | null): string {
  const { metadata } = object;
  const key = formatKey(keyOf(object));
  const about = {
    uid: metadata.uid,
    created: metadata.createdAt,
    revision: metadata.revision,
    generation: metadata.generation,
    ...(metadata.managedBy === undefined ? {} : { managedBy: metadata.managedBy }),
    ...(metadata.shared === true ? { shared: true } : {}),
    ...(Object.keys(metadata.labels ?? {}).length === 0 ? {} : { labels: metadata.labels }),
    ...((metadata.ownerReferences ?? []).length === 0
      ? {}
      : { owners: metadata.ownerReferences?.map(({ kind, name }) => `${kind}/${name}`) }),
    ...((metadata.finalizers ?? []).length === 0 ? {} : { finalizers: metadata.finalizers }),
  };
  const lines = alarms?.filter(({ status }) => status.subject === key).map(({ status }) => `${status.severity}: ${status.text}`);
  return `${key}\n\n${toYaml({ metadata: about, spec: object.spec, status: object.status, alarms: lines ?? 'not shown: they are for viewers of everything' })}`;
}
