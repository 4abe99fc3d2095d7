/** Settings of the forwarder process, as they stand in the handoff. */
import { fail } from '@weft/kernel/contract/system';

export interface ForwarderSettings {
  /** Packet memory, MiB. */
  readonly memoryMib: number;
  /** State memory, MiB; unused parts cost nothing. */
  readonly stateMib: number;
  readonly hugepages: boolean;
  /** CPU of the first packet thread, the others run on those that follow; -1: wherever the scheduler likes. */
  readonly cpu: number;
  readonly packetThreads: number;
  readonly maxPorts: number;
  readonly debug: { readonly faults: boolean };
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly otherwise: number;
}

const numbers: Readonly<Record<'memoryMib' | 'stateMib' | 'cpu' | 'packetThreads' | 'maxPorts', Range>> = {
  memoryMib: { least: 64, most: 65_536, otherwise: 64 },
  stateMib: { least: 4, most: 65_536, otherwise: 512 },
  cpu: { least: -1, most: 1_023, otherwise: -1 },
  packetThreads: { least: 1, most: 8, otherwise: 1 },
  maxPorts: { least: 1, most: 65_536, otherwise: 16_384 },
};

/** Fills defaults. Throws INVALID naming the setting that is wrong or unknown. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): ForwarderSettings {
  for (const name of Object.keys(settings))
    if (!(name in numbers) && name !== 'hugepages' && name !== 'debug') throw invalid(name, 'is unknown', 'remove it');
  const debug = settings.debug ?? {};
  if (typeof debug !== 'object') throw invalid('debug', 'is not an object', 'write {faults: true} or leave it out');
  return {
    memoryMib: number(settings, 'memoryMib'),
    stateMib: number(settings, 'stateMib'),
    cpu: number(settings, 'cpu'),
    packetThreads: number(settings, 'packetThreads'),
    maxPorts: number(settings, 'maxPorts'),
    hugepages: flag(settings.hugepages, 'hugepages'),
    debug: { faults: flag((debug as Record<string, unknown>).faults, 'debug/faults') },
  };
}

function number(settings: Readonly<Record<string, unknown>>, name: keyof typeof numbers): number {
  const { least, most, otherwise } = numbers[name];
  const value = settings[name] ?? otherwise;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(name, `is ${JSON.stringify(value)}`, `give a whole number from ${least} to ${most}`);
}

function flag(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw invalid(name, `is ${JSON.stringify(value)}`, 'write true or false');
}

function invalid(name: string, what: string, fix: string) {
  return fail('INVALID', `forwarder setting /${name} ${what}`, fix);
}
