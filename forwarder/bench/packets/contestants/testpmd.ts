/** testpmd moves frames without looking at more than it must: the bare limit of this machine with this load. */
import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import { startChild } from '../child.ts';
import { loadEnvironment } from '../load.ts';
import type { Assignment, Contestant, Running } from '../scenario.ts';

const startMs = 20_000;
const memoryMib = 256;

export const testpmd: Contestant = {
  name: 'testpmd',
  version: installedVersion,
  supports: (scenario) => scenario.kind === 'limit',
  start,
};

/** Of DPDK: `22.11.11`. */
function installedVersion(): string | undefined {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('dpkg-query', ['-W', '-f', '$' + '{source:Upstream-Version}', 'dpdk'], { encoding: 'utf8', stdio }) || undefined;
  } catch (error) {
    if ((error as { status?: number }).status !== undefined || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function start(assignment: Assignment): Promise<Running> {
  if (assignment.scenario.kind !== 'limit') throw new Error(`testpmd cannot do ${assignment.scenario.kind}`);
  const { controlCpu, packetCpu } = assignment;
  const memory = assignment.hugepages ? ['--in-memory'] : ['--no-huge', '--no-shconf'];
  const eal = [
    '-l',
    `${controlCpu},${packetCpu}`,
    `--main-lcore=${controlCpu}`,
    '-m',
    String(memoryMib),
    ...memory,
    '--no-pci',
    '--no-telemetry',
  ];
  const devices = [`--file-prefix=${basename(assignment.folder)}`, '--vdev=net_null0', '--vdev=net_null1'];
  const forwarding = [
    `--forward-mode=${assignment.scenario.mode}`,
    '--auto-start',
    '--nb-cores=1',
    '--burst=32',
    '--total-num-mbufs=16384',
  ];
  const child = startChild({
    program: 'dpdk-testpmd',
    args: [...eal, ...devices, '--', ...forwarding],
    environment: loadEnvironment(assignment),
    cpu: controlCpu,
  });
  const running = { stop: () => child.stop('\n') };
  try {
    await child.says(/Checking link statuses/, startMs);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}
