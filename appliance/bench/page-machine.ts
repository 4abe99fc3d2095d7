/** Where and with what the figures were made, and how to make them again. */
import { table } from './markdown.ts';
import type { BenchResult, Machine } from './result.ts';

function gib(bytes: number): string {
  return `${Math.round(bytes / 2 ** 30)} GiB`;
}

function duration(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function day(result: BenchResult): string {
  return result.started.slice(0, 10);
}

/** The first sentence of the page. */
export function madeOn(result: BenchResult): string {
  const { cpu, cpus, hypervisor, memoryBytes } = result.machine;
  const spent = result.parts.reduce((sum, part) => sum + part.seconds, 0);
  const where = hypervisor === 'none' ? '' : `, virtual (${hypervisor})`;
  return (
    `Measured on ${day(result)} by \`${result.command}\` in ${duration(spent)}: ${cpus} CPUs (${cpu}${where}), ${gib(memoryBytes)}; ` +
    `Weft ${result.versions.Weft ?? 'of an unknown commit'}. One core carries packets, the other everything else. ` +
    'Absolute figures on a shared machine drift; ratios and net cycles are what to compare.'
  );
}

function facts(machine: Machine): string[][] {
  return [
    ['CPU', `${machine.cpu}, ${machine.cpus} of them${machine.mhz > 0 ? `, ${Math.round(machine.mhz)} MHz` : ''}`],
    [
      'caches',
      Object.entries(machine.caches)
        .map(([level, size]) => `${level} ${size}`)
        .join(', '),
    ],
    ['memory', gib(machine.memoryBytes)],
    ['hypervisor', machine.hypervisor],
    ['kernel', machine.kernel],
    ['system', machine.system],
  ];
}

export function machineSection({ machine, versions }: BenchResult): string {
  return table(['', ''], [...facts(machine), ...Object.entries(versions)]);
}

export function commandsSection(result: BenchResult): string {
  const rows = result.parts.map((part) => [part.name, `\`${part.command}\``, duration(part.seconds), `${part.stolenPercent.toFixed(1)} %`]);
  return `${table(['part', 'command', 'took', 'stolen'], rows)}\n\nStolen: CPU time that the hypervisor gave to others meanwhile. All at once: \`npm run bench\`; raw figures are in bench-results.`;
}
