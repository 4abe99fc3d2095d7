/** What the bench runs on and with. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Machine } from './result.ts';

/** The first line that a program prints; undefined when it is missing or fails. */
function said(program: string, ...args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split('\n')[0];
  } catch {
    return undefined;
  }
}

interface LscpuField {
  readonly field: string;
  readonly data: string;
}

function lscpu(): ReadonlyMap<string, string> {
  const text = execFileSync('lscpu', ['-J'], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  const { lscpu: fields } = JSON.parse(text) as { lscpu: readonly LscpuField[] };
  return new Map(fields.map(({ field, data }) => [field.replace(/:$/, ''), data]));
}

export function describeMachine(): Machine {
  const fields = lscpu();
  const caches = [...fields].flatMap(([name, size]) => (name.endsWith(' cache') ? [[name.slice(0, -' cache'.length), size]] : []));
  return {
    cpu: fields.get('Model name') ?? cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    caches: Object.fromEntries(caches),
    mhz: Number(/^cpu MHz\s*: ([\d.]+)/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 0),
    memoryBytes: totalmem(),
    kernel: release(),
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown',
    hypervisor: fields.get('Hypervisor vendor') ?? 'none',
  };
}

function debian(...packages: readonly string[]): string | undefined {
  for (const name of packages) {
    // `name<tab>version`; the version is empty once the package is removed.
    const version = said('dpkg-query', '-W', name)?.split('\t')[1] ?? '';
    if (version !== '') return version;
  }
  return undefined;
}

/** The commit of the tree at `top`, and whether it has changes. */
function commit(top: string): string | undefined {
  const short = said('git', '-C', top, 'rev-parse', '--short', 'HEAD');
  const changed = said('git', '-C', top, 'status', '--porcelain', '--untracked-files=no');
  return short === undefined || changed === undefined || changed === '' ? short : `${short} with changes`;
}

/** Program to version, of those that are there. */
export function describeVersions(top: string): Record<string, string> {
  const found: readonly (readonly [string, string | undefined])[] = [
    ['Weft', commit(top)],
    ['Node', process.version.slice(1)],
    ['gcc', said('gcc', '-dumpfullversion')],
    ['DPDK', said('pkg-config', '--modversion', 'libdpdk')],
    ['OVS-DPDK', debian('openvswitch-switch-dpdk')],
    ['VPP', debian('vpp') ?? 'not installed: its figures are on record'],
    ['etcd', debian('etcd-server')],
    ['valgrind', debian('valgrind')],
  ];
  return Object.fromEntries(found.flatMap(([name, version]) => (version === undefined ? [] : [[name, version]])));
}
