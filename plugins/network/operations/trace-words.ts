/** Steps of a trace in words: which row decided, what the stages said, and how it ended. */
import {
  type NexthopRow,
  neighborFlags,
  nexthopTypes,
  protocols,
  type RouteRow,
  type Row,
  routeSources,
  type ServiceRow,
  serviceActions,
  type TraceStep,
  type UplinkNeighborRow,
} from '@weft/kernel/contract/net';

/** Names for the forwarder's numbers. */
export interface Names {
  port(id: number): string;
  /** Of a VirtualNetwork, or of the uplink that has the VRF. */
  network(id: number): string;
  /** Address of a gateway of an uplink, by its number. */
  gateway(uplink: number, number: number): string;
  pool(id: number): string;
  /** Why the sender may send. */
  readonly permission: string;
}

/** `end` of what happened to the packet itself, in the last line. */
export interface Ending {
  readonly end: 'delivered' | 'answered' | 'punted' | 'served' | 'dropped';
  /** PROJECT/NAME of the ports that it is delivered to. */
  readonly ports?: readonly string[];
  readonly plugin?: string;
  /** Name of the drop reason. */
  readonly reason?: string;
}

const noMac = '00:00:00:00:00:00';

const stageWords: Readonly<Record<string, string>> = {
  parse: 'headers',
  check: 'port security',
  service: 'services',
  arp: 'ARP',
  bridge: 'bridge',
  route: 'route',
  underlay: 'uplink',
};

/** One line; undefined for a step that decides nothing. */
export function stepText(step: TraceStep, names: Names): { readonly step: string; readonly text: string } | undefined {
  switch (step.kind) {
    case 'row':
      return rowText(step.row, names);
    case 'stage':
      return stageText(step.stage, step.verdict, names);
    case 'learned':
      return { step: 'learn', text: `the sender's ${step.table === 'learned_mac' ? 'MAC' : 'IPv6'} address would be remembered` };
    case 'made':
      return { step: 'answer', text: `the gateway makes a packet of ${step.frame.length} bytes about it` };
    case 'sent':
      return { step: 'send', text: `${step.frame.length} bytes leave through ${names.port(step.port)}` };
    case 'served':
      return { step: 'send', text: `${step.frame.length} bytes leave through the service port of the plugin ${step.plugin}` };
    case 'dropped':
      return { step: 'drop', text: `${step.reason}: ${step.sentence}` };
    case 'flow':
      // trace-policy.ts has the words, with the rules before it.
      return undefined;
    case 'punted':
      return { step: 'punt', text: `to the plugin ${step.plugin} (${step.puntClass})` };
  }
}

function stageText(stage: string, verdict: string, { permission }: Names): { step: string; text: string } | undefined {
  const step = stageWords[stage] ?? stage;
  if (stage === 'check' && verdict === 'next') return { step, text: permission };
  if (verdict === 'route') return { step, text: stage === 'underlay' ? 'to the appliance: routed' : 'to the gateway: routed' };
  if (verdict === 'flood') return { step, text: 'to every other port of the network' };
  if (verdict === 'fragment') return { step, text: 'longer than the way out takes: cut into fragments' };
  return undefined;
}

function rowText(row: Row, names: Names): { step: string; text: string } | undefined {
  switch (row.table) {
    case 'service':
      return { step: 'services', text: serviceText(row) };
    case 'mac':
      return { step: 'bridge', text: `${row.mac} is ${names.port(row.port)}` };
    case 'learned_mac':
      return { step: 'bridge', text: `${row.mac} was seen behind ${names.port(row.port)}` };
    case 'neighbor': {
      const gateway = (row.flags & neighborFlags.gateway) !== 0;
      const text = gateway ? `${row.address} is the appliance's own in ${names.network(row.bridge)}` : `${row.address} is at ${row.mac}`;
      return { step: 'neighbour', text };
    }
    case 'uplink_neighbor':
      return { step: 'neighbour', text: uplinkNeighborText(row, names) };
    case 'floating_ip':
      return { step: 'floating IP', text: `${row.address} of ${names.port(row.port)} is ${row.inside} of ${names.port(row.insidePort)}` };
    case 'nat_address':
      return { step: 'pool', text: `${row.address} of ${names.port(row.port)} is shared by the ports of pool ${names.pool(row.pool)}` };
    case 'vrf_nat': {
      const pool = row.pool === 0 ? 'no pool' : `the addresses of pool ${names.pool(row.pool)}`;
      return { step: 'way out', text: `${names.network(row.vrf)} has ${pool} at ${names.port(row.port)}` };
    }
    case 'learned_neighbor':
      return { step: 'neighbour', text: `${row.address} is at ${row.mac}, an address that ${names.port(row.port)} took by itself` };
    case 'route':
      return { step: 'route', text: routeText(row, names) };
    case 'nexthop':
      return { step: 'next hop', text: nexthopText(row, names) };
    case 'port':
      return { step: 'next hop', text: `out through ${names.port(row.id)}` };
    default:
      return undefined;
  }
}

function serviceText({ address, protocol, l4Port, action }: ServiceRow): string {
  const name = Object.entries(protocols).find(([, number]) => number === protocol)?.[0] ?? `protocol ${protocol}`;
  const what = `${name} ${name.startsWith('icmp') ? 'type' : 'port'} ${l4Port}${/^[0.:]+$/.test(address) ? '' : ` of ${address}`}`;
  if (action === serviceActions.reject) return `${what} is refused`;
  return `${what} is served by ${action === serviceActions.port ? 'sockets of ' : ''}a plugin`;
}

function routeText({ vrf, address, prefixLength, source }: RouteRow, names: Names): string {
  const name = Object.entries(routeSources).find(([, number]) => number === source)?.[0] ?? `source ${source}`;
  return `${address}/${prefixLength} (${name}) in the table of ${names.network(vrf)}`;
}

function uplinkNeighborText({ address, mac, silent, port }: UplinkNeighborRow, names: Names): string {
  const where = mac === noMac ? 'has never answered' : `is at ${mac}`;
  return `${address} behind ${names.port(port)} ${where}${silent === 0 || mac === noMac ? '' : ', and does not answer any more'}`;
}

function nexthopText({ type, bridge, port, mac, size, target }: NexthopRow, names: Names): string {
  switch (type) {
    case nexthopTypes.blackhole:
      return 'a black hole';
    case nexthopTypes.drop:
      return 'drop';
    case nexthopTypes.ecmp:
      return `one of ${size} places, by a hash of the flow`;
    case nexthopTypes.punt:
      return 'a plugin';
    case nexthopTypes.vrf:
      return `on in the table of ${names.network(target)}`;
    case nexthopTypes.gateway:
      return `gateway ${names.gateway(port, target)} of ${names.port(port)}`;
    default:
      return mac === noMac ? `straight to the destination, on ${names.network(bridge)}` : `${names.port(port)}, at ${mac}`;
  }
}

/** How the packet that entered through the port `from` ended. What some received is delivered, even if other copies of it were dropped. */
export function endingOf(steps: readonly TraceStep[], from: number, names: Names): Ending {
  const sent = steps.filter((step) => step.kind === 'sent').map(({ port }) => port);
  const others = [...new Set(sent)].filter((port) => port !== from);
  const dropped = steps.findLast((step) => step.kind === 'dropped');
  if (dropped !== undefined && others.length === 0) return { end: 'dropped', reason: dropped.reason };
  const punted = steps.find((step) => step.kind === 'punted');
  if (punted !== undefined) return { end: 'punted', plugin: punted.plugin };
  const served = steps.find((step) => step.kind === 'served');
  if (served !== undefined && others.length === 0) return { end: 'served', plugin: served.plugin };
  if (others.length === 0) return { end: 'answered' };
  return { end: 'delivered', ports: [...new Set(sent)].map((port) => names.port(port)) };
}

export function endingText(ending: Ending, steps: readonly TraceStep[]): string {
  const dropped = steps.findLast((step) => step.kind === 'dropped');
  switch (ending.end) {
    case 'dropped':
      // The line before has the sentence.
      return `dropped: ${dropped?.reason}`;
    case 'punted':
      return `punted to the plugin ${ending.plugin}`;
    case 'served':
      return `served by the plugin ${ending.plugin}, through its service port`;
    case 'answered':
      return 'answered by the gateway';
    case 'delivered':
      return `delivered to ${ending.ports?.join(', ')}${dropped === undefined ? '' : `; other copies dropped: ${dropped.reason}`}`;
  }
}
