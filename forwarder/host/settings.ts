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
  readonly flows: FlowSettings;
  readonly nat: NatSettings;
  readonly debug: { readonly faults: boolean };
}

/** The table of flows; times in seconds without a packet. */
export interface FlowSettings {
  readonly pairs: number;
  /** Share of them that flows from one port may take. */
  readonly portPercent: number;
  readonly tcpEstablished: number;
  /** TCP connections that begin or end. */
  readonly tcpTransitory: number;
  readonly udp: number;
  readonly icmp: number;
  readonly other: number;
  readonly tcpPickup: (typeof tcpPickupNames)[number];
}

/** Addresses that ports share on their way out. */
interface NatSettings {
  /** How many of them there may be at a time: room for their mappings lies in the state memory. */
  readonly addresses: number;
  /** Seconds in which an outside port is given to nobody else after its last flow (RFC 6888 §3 REQ-8). */
  readonly reuseWait: number;
}

/** What becomes of a TCP segment without SYN that belongs to no flow: judged as the first of its direction, allowed when either direction would be, dropped. */
const tcpPickupNames = ['forward', 'either', 'never'] as const;

type Group = Readonly<Record<string, unknown>>;

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

/** 30 days. */
const longest = 2_592_000;
const flowNumbers: Readonly<Record<Exclude<keyof FlowSettings, 'tcpPickup'>, Range>> = {
  pairs: { least: 64, most: 16_777_216, otherwise: 524_288 },
  portPercent: { least: 1, most: 100, otherwise: 25 },
  tcpEstablished: { least: 1, most: longest, otherwise: 7_440 },
  tcpTransitory: { least: 1, most: longest, otherwise: 240 },
  udp: { least: 1, most: longest, otherwise: 300 },
  icmp: { least: 1, most: longest, otherwise: 60 },
  other: { least: 1, most: longest, otherwise: 300 },
};

const natNumbers: Readonly<Record<keyof NatSettings, Range>> = {
  addresses: { least: 1, most: 1_024, otherwise: 16 },
  reuseWait: { least: 1, most: 86_400, otherwise: 120 },
};

/** Fills defaults. Throws INVALID naming the setting that is wrong or unknown. */
export function parseSettings(settings: Group): ForwarderSettings {
  refuseUnknown(settings, [...Object.keys(numbers), 'hugepages', 'flows', 'nat', 'debug'], '');
  const debug = group(settings.debug, 'debug', 'write {faults: true} or leave it out');
  return {
    ...numbersIn(settings, numbers, ''),
    hugepages: flag(settings.hugepages, 'hugepages'),
    flows: flowSettings(group(settings.flows, 'flows', 'write settings such as {pairs: 1048576} or leave it out')),
    nat: natSettings(group(settings.nat, 'nat', 'write settings such as {addresses: 256} or leave it out')),
    debug: { faults: flag(debug.faults, 'debug/faults') },
  };
}

function flowSettings(flows: Group): FlowSettings {
  refuseUnknown(flows, [...Object.keys(flowNumbers), 'tcpPickup'], 'flows/');
  const { tcpPickup: given = 'forward' } = flows;
  const tcpPickup = tcpPickupNames.find((name) => name === given);
  if (tcpPickup === undefined) throw invalid('flows/tcpPickup', `is ${JSON.stringify(given)}`, `write one of ${tcpPickupNames.join(', ')}`);
  return { ...numbersIn(flows, flowNumbers, 'flows/'), tcpPickup };
}

function natSettings(nat: Group): NatSettings {
  refuseUnknown(nat, Object.keys(natNumbers), 'nat/');
  return numbersIn(nat, natNumbers, 'nat/');
}

function refuseUnknown(settings: Group, known: readonly string[], prefix: string): void {
  const unknown = Object.keys(settings).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(prefix + unknown, 'is unknown', 'remove it');
}

function group(value: unknown, name: string, fix: string): Group {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(name, 'is not an object', fix);
  return value as Group;
}

function numbersIn<Name extends string>(settings: Group, ranges: Readonly<Record<Name, Range>>, prefix: string): Record<Name, number> {
  const entries = Object.entries<Range>(ranges).map(([name, range]) => [name, number(settings[name], range, prefix + name)]);
  return Object.fromEntries(entries) as Record<Name, number>;
}

function number(given: unknown, { least, most, otherwise }: Range, name: string): number {
  const value = given ?? otherwise;
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
