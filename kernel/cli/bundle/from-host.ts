/** Parts of a support bundle that are on the host, whether Weft runs or not: logs, host settings, facts of the machine. */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { arch, cpus, freemem, loadavg, release, totalmem, uptime, version } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, YAMLError } from 'yaml';
import { allowed, allowedLine } from './allowed.ts';
import type { Contents, Section } from './contents.ts';

const defaultStateDir = '/var/lib/weft';
const defaultConfig = '/etc/weft/weft.yaml';

export interface HostOptions {
  readonly stateDir: string;
  /** File of the host settings that `weft up` was given, unless it is where Weft looks by itself. */
  readonly config?: string;
  /** Of each log, from its end. */
  readonly logBytes: number;
}

/** The directory that was named, or the one that the API's socket lies in, or the default. */
export function stateDirFor(given: string | undefined, api: string | undefined): string {
  if (given !== undefined) return given;
  const beside = api?.startsWith('unix:') === true ? dirname(api.slice('unix:'.length)) : '';
  return beside !== '' && existsSync(join(beside, 'log')) ? beside : defaultStateDir;
}

export function hostSections(options: HostOptions): Section[] {
  return [
    { name: 'logs', collect: async (contents) => logs(options, contents) },
    { name: 'settings', collect: async (contents) => settings(options, contents) },
    { name: 'host', collect: async (contents) => contents.add('host.json', hostFacts()) },
  ];
}

/** Logs of processes; who did what is the audit log's, which `weft audit` shows. */
function logs({ stateDir, logBytes }: HostOptions, contents: Contents): void {
  const folder = join(stateDir, 'log');
  for (const name of readdirSync(folder).sort()) {
    if (!/^[a-z][a-z0-9-]*\.log(\.\d+)?$/.test(name)) continue;
    if (name.startsWith('audit.')) contents.leaveOut(name, 'see: weft audit');
    else
      contents.add(
        `logs/${name}`,
        lastOf(join(folder, name), logBytes, () => contents.leaveOut(`${name}: its beginning`, 'it is long; see --log-mib'))
          .split('\n')
          .map(allowedLine)
          .join('\n'),
      );
  }
}

/** Whole lines from the end of a file. */
function lastOf(path: string, most: number, onCut: () => void): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, most));
    const length = readSync(file, bytes, 0, bytes.length, size - bytes.length);
    if (size <= most) return bytes.toString('utf8', 0, length);
    onCut();
    return bytes.toString('utf8', bytes.indexOf(10) + 1, length);
  } finally {
    closeSync(file);
  }
}

function settings({ config = defaultConfig }: HostOptions, contents: Contents): void {
  if (config === defaultConfig && !existsSync(config)) {
    contents.leaveOut('the host settings', `there is no ${config}, and no other file was named: --config FILE`);
    return;
  }
  const onLeftOut = (path: string): void => contents.leaveOut(path, 'texts in the settings may hold secrets');
  contents.add('settings.json', allowed(settingsIn(config), undefined, { texts: false, onLeftOut }));
}

function settingsIn(config: string): unknown {
  try {
    return parse(readFileSync(config, 'utf8'), { logLevel: 'error' });
  } catch (thrown) {
    // the message of the parser shows the line that is wrong
    if (thrown instanceof YAMLError) throw new Error(`${config} is not YAML: line ${thrown.linePos?.[0].line ?? 0}`);
    throw thrown;
  }
}

function hostFacts(): object {
  const [cpu] = cpus();
  return {
    kernel: { release: release(), version: version(), architecture: arch(), node: process.version },
    cpus: { count: cpus().length, model: cpu?.model ?? '' },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    load: loadavg(),
    uptimeSeconds: Math.floor(uptime()),
    links: readdirSync('/sys/class/net').sort().map(linkFacts),
  };
}

function linkFacts(name: string): object {
  const read = (fact: string): string => {
    try {
      return readFileSync(join('/sys/class/net', name, fact), 'utf8').trim();
    } catch {
      // a link that is down has no speed, and links come and go
      return '';
    }
  };
  return { name, state: read('operstate'), mtu: Number(read('mtu')), speed: read('speed'), carrier: read('carrier') };
}
