/** What `weft up`, `weft down` and `weft restore` take on the command line, together with the configuration that it names. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type HostSettings, loadSettings } from '../config/index.ts';
import { type InstancePaths, instancePaths } from './paths.ts';

const defaultConfig = '/etc/weft/weft.yaml';

/** Throws `INVALID` or `NOT_FOUND` that names the file and the setting. */
export async function readOptions(args = process.argv.slice(2)): Promise<{ settings: HostSettings; paths: InstancePaths }> {
  const options = { config: { type: 'string' }, 'state-dir': { type: 'string' }, api: { type: 'string' } } as const;
  const { values } = parseArgs({ args, options });
  const settings = await loadSettings(values.config ?? (existsSync(defaultConfig) ? defaultConfig : null));
  const paths = instancePaths({
    settings,
    ...(values['state-dir'] === undefined ? {} : { stateDir: values['state-dir'] }),
    ...(values.api === undefined ? {} : { api: values.api }),
  });
  return { settings, paths };
}
