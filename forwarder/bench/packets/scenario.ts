/**
 * What a contestant is asked to do with packets, in words that all contestants share: each translates a scenario into its own rows, flows or options.
 * Every contestant has two ports, 0 and 1, which the load (load/) stands behind.
 */

/** testpmd's forwarding modes: the bare limit. */
type Limit = { readonly kind: 'limit'; readonly mode: 'io' | 'macswap' | '5tswap' };
/** Port 0 to port 1 by destination MAC address 06:00:NN:NN:NN:NN, one entry each. */
type Bridging = { readonly kind: 'l2'; readonly macs: number };
/** `plan.prefix(n)` for n below `routes`: lowers the hop limit, sets the MAC addresses, to port 1. */
type Routing = { readonly kind: 'l3'; readonly routes: number; readonly family: 4 | 6 };
/** As `l3` with 1,000 routes, in VLAN 101 on port 0 and out in VLAN 102 on port 1. */
type Vlan = { readonly kind: 'vlan' };
/** Port 0 asks for the gateway's address by ARP or neighbour solicitation; answers leave through port 0. */
type Resolution = { readonly kind: 'arp' | 'nd' };
/** `l3` with 1,000 routes and connection tracking: what port 0 starts may pass in both directions, port 1 may start nothing. Port 1 turns packets round. */
type Stateful = { readonly kind: 'stateful' };
/** `stateful`, with the source replaced by one of `plan.snat` and one of its ports. */
type Snat = { readonly kind: 'snat' };
/** `stateful`, with the client's address replaced by the first of `plan.snat`, one to one. */
type Floating = { readonly kind: 'fip' };
/** `snat` as a VM meets it: anti-spoofing, and 1,000 rules for what opens a flow, of which the last matches. */
type GuardedSnat = { readonly kind: 'guarded-snat' };
/** VXLAN from `plan.vtep.from` on port 0 is opened, routed (1,000 routes) and sent in VXLAN to `plan.vtep.to` on port 1. */
type Vxlan = { readonly kind: 'vxlan' };
/** `l3` with 1,000 routes and so many stateless rules (source prefix, destination prefix, port), of which the last matches. */
type Acl = { readonly kind: 'acl'; readonly rules: number };
/** Anti-spoofing, connection tracking, 1,000 rules, 1,000 routes, out in VXLAN on port 1, back from there. */
type Vrouter = { readonly kind: 'vrouter' };

export type Scenario = Limit | Bridging | Routing | Vlan | Resolution | Stateful | Snat | Floating | GuardedSnat | Vxlan | Acl | Vrouter;

/** Addresses that load and contestants agree on. */
export const plan = {
  /** Who sends into port 0 and who stands behind port 1. */
  client: { mac: '02:00:00:00:00:01', address: '10.0.0.2', address6: '2001:db8::2' },
  server: { mac: '02:00:00:00:00:02', address: '10.0.1.2', address6: '2001:db8:0:1::2' },
  /** The contestant itself, at both ports. */
  gateway: {
    mac: '00:00:5e:00:01:00',
    addresses: ['10.0.0.1', '10.0.1.1'],
    addresses6: ['2001:db8::1', '2001:db8:0:1::1'],
  },
  /** Route n: this address plus n × 256, /24; the load sends to its host 9. */
  firstRoute: '20.0.0.0',
  /** IPv6 route n: this address plus n × 2^64, /64; the load sends to its host 9. */
  firstRoute6: '2001:db8:8000::',
  vlans: [101, 102],
  /** Addresses of source NAT, ports 1024 to 65535. */
  snat: { first: '203.0.113.1', count: 32 },
  vtep: {
    local: { mac: '02:00:00:00:01:00', address: '192.0.2.1' },
    from: { mac: '02:00:00:00:01:01', address: '192.0.2.2', vni: 5001 },
    to: { mac: '02:00:00:00:01:02', address: '192.0.2.3', vni: 5002 },
  },
} as const;

/** What is asked of a contestant for one sample. */
export interface Assignment {
  readonly scenario: Scenario;
  /** Value of LOAD for the load device: see load/README.md. */
  readonly load: string;
  /** The load's counters (LOAD_COUNTERS) and first frames (LOAD_PCAP), in the sample's folder. */
  readonly countersFile: string;
  readonly pcapFile: string;
  /** A folder of the sample's own, removed afterwards. */
  readonly folder: string;
  /** The CPU that polls; everything else runs on `controlCpu`. */
  readonly packetCpu: number;
  readonly controlCpu: number;
  /** 2 MB hugepages; else 4 KiB pages. */
  readonly hugepages: boolean;
}

export interface Running {
  /** What a reader must know of how it was set up: `dpif_avx512, emc off`. */
  readonly note?: string;
  /** Ends every process and removes what they left. Never throws for a process that is gone. */
  stop(): Promise<void>;
}

export interface Contestant {
  readonly name: 'weft' | 'testpmd' | 'ovs';
  /** Its version, or undefined when it is not installed. */
  version(): string | undefined;
  supports(scenario: Scenario): boolean;
  /** Resolves when it forwards. Throws an Error with the reason, the end of its log included. */
  start(assignment: Assignment): Promise<Running>;
}
