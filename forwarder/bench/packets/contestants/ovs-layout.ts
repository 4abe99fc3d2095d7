/**
 * Which bridges, ports and tunnels Open vSwitch has for a scenario. Flows are in ovs-flows.ts.
 * One bridge `br0` for plain cases; with tunnels `phy` holds the devices and the tunnels' own address, `int` what is in the tunnels.
 */
import { plan, type Scenario } from '../scenario.ts';
import * as flows from './ovs-flows.ts';

/** A port: a DPDK device, or one end of VXLAN tunnels to `remote`. `number` is its OpenFlow port. */
export interface Port {
  readonly name: string;
  readonly number: number;
  readonly type: 'dpdk' | 'vxlan';
  readonly options: Readonly<Record<string, string | number>>;
}

export interface Bridge {
  readonly name: string;
  readonly ports: readonly Port[];
  /** OpenFlow text, one flow a line. */
  readonly flows: string;
  /** The bridge ends tunnels: its own MAC address, its IPv4 address, and the MAC addresses of the other ends by IPv4 address. */
  readonly tunnels?: { readonly mac: string; readonly address: string; readonly neighbours: Readonly<Record<string, string>> };
}

/** Bridges of a scenario, or undefined when Open vSwitch cannot do it. */
export function layoutOf(scenario: Scenario): readonly Bridge[] | undefined {
  switch (scenario.kind) {
    case 'limit':
      return undefined;
    case 'l2':
      return plain(flows.bridging(scenario.macs));
    case 'l3':
      return plain(flows.routing(scenario.routes, scenario.family));
    case 'vlan':
      return plain(flows.vlanRouting());
    case 'arp':
      return plain(flows.arpResponder());
    case 'nd':
      return plain(flows.ndResponder());
    case 'stateful':
      return plain(flows.stateful());
    case 'snat':
      return plain(flows.snat());
    case 'fip':
      return plain(flows.floating());
    case 'guarded-snat':
      return plain(flows.guardedSnat());
    case 'acl':
      return plain(flows.acl(scenario.rules));
    case 'vxlan':
      return [
        underlay([device(0, 1), device(1, 2)], flows.gatewayUnderlay()),
        overlay([tunnel(plan.vtep.from, 1), tunnel(plan.vtep.to, 2)], flows.routing(1000, 4)),
      ];
    case 'vrouter':
      return [underlay([device(1, 1)], flows.vrouterUnderlay()), overlay([device(0, 1), tunnel(plan.vtep.to, 2)], flows.vrouter())];
  }
}

function plain(text: string): readonly Bridge[] {
  return [{ name: 'br0', ports: [device(0, 1), device(1, 2)], flows: text }];
}

function underlay(ports: readonly Port[], text: string): Bridge {
  const { local, from, to } = plan.vtep;
  const tunnels = { mac: local.mac, address: local.address, neighbours: { [from.address]: from.mac, [to.address]: to.mac } };
  return { name: 'phy', ports, flows: text, tunnels };
}

function overlay(ports: readonly Port[], text: string): Bridge {
  return { name: 'int', ports, flows: text };
}

function device(index: 0 | 1, number: number): Port {
  return { name: `p${index}`, number, type: 'dpdk', options: { 'dpdk-devargs': `net_null${index}` } };
}

function tunnel(end: { readonly address: string; readonly vni: number }, number: number): Port {
  return { name: `vx${number}`, number, type: 'vxlan', options: { remote_ip: end.address, key: end.vni } };
}
