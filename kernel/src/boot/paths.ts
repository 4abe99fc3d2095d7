/** Where everything of one instance is. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fail } from '../../contract/system/index.ts';

/** Folder of the clone or installation: what children see as RUN/app. */
export const programDir = resolve(import.meta.dirname, '..', '..', '..');

export interface InstancePaths {
  readonly stateDir: string;
  readonly runDir: string;
  readonly apiSocket: string;
}

export interface PathOptions {
  /** From the command line. */
  readonly stateDir?: string;
  readonly api?: string;
  /** From the configuration. */
  readonly settings: { readonly stateDir: string; readonly runDir: string; readonly api: { readonly socket: string } };
}

/** The command line goes before the configuration; an instance with a state directory of its own gets a run directory of its own. */
export function instancePaths({ stateDir, api, settings }: PathOptions): InstancePaths {
  const state = resolve(stateDir ?? settings.stateDir);
  if (stateDir === '' || state === programDir)
    throw fail('INVALID', `this is no folder for the state ("${stateDir ?? settings.stateDir}")`, 'name another with --state-dir');
  const hash = createHash('sha256').update(state).digest('hex').slice(0, 8);
  const runDir = settings.runDir !== '' ? settings.runDir : stateDir === undefined ? '/run/weft' : `/run/weft-${hash}`;
  const configured = settings.api.socket !== '' ? settings.api.socket : join(stateDir === undefined ? runDir : state, 'api.sock');
  const apiSocket = api === undefined ? configured : socketOf(api);
  return { stateDir: state, runDir, apiSocket };
}

function socketOf(address: string): string {
  const path = address.startsWith('unix:') ? address.slice('unix:'.length) : address;
  if (path.startsWith('/')) return path;
  throw fail('INVALID', `--api is no address of a unix socket (${address})`, 'write unix:/absolute/path');
}
