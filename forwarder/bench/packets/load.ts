/** What the load device is told for a scenario: the value of LOAD, the environment around it, and which port's sent frames are the work that was asked for. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Assignment, plan, type Scenario } from './scenario.ts';

/** The flow set of a variant. */
export interface Traffic {
  /** `endless`: each packet opens a flow that was never seen. */
  readonly flows: number | 'endless';
  /** Length with FCS, or 7:4:1 of 64, 570 and 1518 bytes. Default 64. */
  readonly size?: number | 'imix';
  /** Packets per second; default: as fast as polled. */
  readonly rate?: number;
  /** Default `inline`. */
  readonly mode?: 'inline' | 'nic';
}

/** Where load.so and libforwarder.so are. */
export const buildFolder = process.env.WEFT_BENCH_BUILD ?? fileURLToPath(new URL('../../build', import.meta.url));

type Keys = Readonly<Record<string, string | number>>;

/** Flows opened per second before a window of established ones begins. */
const setupRate = 500_000;

const inner: Keys = { dsts: 1_000 };
const tunnel: Keys = {
  tunnel: 'vxlan',
  outer_src: plan.vtep.from.address,
  outer_dst: plan.vtep.local.address,
  outer_src_mac: plan.vtep.from.mac,
  outer_dst_mac: plan.vtep.local.mac,
  vni: plan.vtep.from.vni,
};

/** `0:role=generate,flows=1000;1:role=sink`: see load/README.md. */
export function loadSettings(scenario: Scenario, traffic: Traffic): string {
  const mode: Keys = traffic.mode === 'nic' ? { mode: 'nic' } : {};
  const generator: Keys = {
    role: 'generate',
    flows: traffic.flows,
    ...(traffic.size === undefined ? {} : { size: traffic.size }),
    ...(traffic.rate === undefined ? {} : { rate: traffic.rate }),
    ...(isTurned(scenario, traffic) ? { setup: setupRate } : {}),
    ...scenarioKeys(scenario),
    ...mode,
  };
  return `0:${text(generator)};1:${text({ role: isTurned(scenario, traffic) ? 'reflect' : 'sink', ...mode })}`;
}

function text(keys: Keys): string {
  return Object.entries(keys)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

function scenarioKeys(scenario: Scenario): Keys {
  switch (scenario.kind) {
    case 'l2':
      return { macs: scenario.macs };
    case 'l3':
      if (scenario.family === 4) return { dsts: scenario.routes };
      return {
        family: 6,
        src: plan.client.address6,
        dst: `${plan.firstRoute6}9`,
        dsts: scenario.routes,
        dst_step: 1,
      };
    case 'vlan':
      return { ...inner, vlan: plan.vlans[0] };
    case 'arp':
      return { proto: 'arp', target: plan.gateway.addresses[0] };
    case 'nd':
      return { proto: 'nd', family: 6, src: plan.client.address6, target: plan.gateway.addresses6[0] };
    case 'vxlan':
      return { ...inner, ...tunnel };
    default:
      return inner;
  }
}

/** Established flows need somebody who answers; endless new ones only their first packet. */
function isTurned(scenario: Scenario, traffic: Traffic): boolean {
  return traffic.flows !== 'endless' && ['stateful', 'snat', 'fip', 'guarded-snat', 'vrouter'].includes(scenario.kind);
}

/** Ports whose sent frames count. What is turned round passes the contestant twice. */
export function countedPorts(scenario: Scenario, traffic: Traffic): readonly number[] {
  if (scenario.kind === 'arp' || scenario.kind === 'nd') return [0];
  return isTurned(scenario, traffic) ? [0, 1] : [1];
}

/** Environment of the program that polls, and of it alone: what it preloads plays its devices. */
export function loadEnvironment(assignment: Assignment): Record<string, string> {
  return {
    LD_PRELOAD: join(buildFolder, 'load.so'),
    LOAD: assignment.load,
    LOAD_COUNTERS: assignment.countersFile,
    LOAD_PCAP: assignment.pcapFile,
    LOAD_NIC_CPU: String(assignment.controlCpu),
  };
}
