/**
 * What a scenario is in OpenFlow: text for `ovs-ofctl add-flows`, one flow a line. The datapath makes megaflows of it, so fields are matched only where the scenario needs them.
 * OpenFlow ports: 1 is where the load's client is, 2 is the other side. Bridges drop what no flow takes (fail-mode=secure).
 */
import { plan } from '../scenario.ts';

const gateway = plan.gateway.mac;
const zone = 1;
/** The client's network, to which answers return. */
const clients = '10.0.0.0/8';

export function bridging(macs: number): string {
  return lines(macs, (n) => `in_port=1,dl_dst=${macAddress(n)},actions=output:2`);
}

/** 06:00 and n as 32 bits. */
export function macAddress(n: number): string {
  const digits = n.toString(16).padStart(8, '0');
  return `06:00:${digits.match(/../g)?.join(':')}`;
}

export function routing(count: number, family: 4 | 6): string {
  const protocol = family === 4 ? 'ip' : 'ipv6';
  return routes(count, (n) => `in_port=1,${protocol},dl_dst=${gateway},${destination(n, family)}`, toServer('output:2'));
}

/** From VLAN 101 to VLAN 102. */
export function vlanRouting(): string {
  const [from, to] = plan.vlans;
  // OpenFlow's vlan_vid has bit 12 set where there is a tag.
  const out = `set_field:${0x1000 + to}->vlan_vid,output:2`;
  return routes(1000, (n) => `in_port=1,dl_vlan=${from},ip,dl_dst=${gateway},${destination(n, 4)}`, toServer(out));
}

/** Answers who-has 10.0.0.1: the question turned round, with the gateway's addresses filled in. */
export function arpResponder(): string {
  const address = plan.gateway.addresses[0];
  const actions = [
    'move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]',
    `set_field:${gateway}->eth_src`,
    'set_field:2->arp_op',
    'move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[]',
    'move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[]',
    `set_field:${gateway}->arp_sha`,
    `set_field:${address}->arp_spa`,
    'in_port',
  ];
  return `in_port=1,arp,arp_op=1,arp_tpa=${address},actions=${actions.join(',')}\n`;
}

/** Answers a neighbour solicitation that has a source link-layer address option: solicited, override, router; the option becomes the target's (RFC 4861, 4.4). */
export function ndResponder(): string {
  const address = plan.gateway.addresses6[0];
  const turned = [
    'move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]',
    `set_field:${gateway}->eth_src`,
    'move:NXM_NX_IPV6_SRC[]->NXM_NX_IPV6_DST[]',
    `set_field:${address}->ipv6_src`,
    'set_field:136->icmpv6_type',
    'set_field:2->nd_options_type',
    'goto_table:1',
  ];
  // The target's option may only be written where the flow matches an advertisement.
  return [
    `table=0,in_port=1,icmp6,icmp_type=135,icmp_code=0,nd_target=${address},actions=${turned.join(',')}`,
    `table=1,icmp6,icmp_type=136,icmp_code=0,actions=set_field:0xe0000000->nd_reserved,set_field:${gateway}->nd_tll,in_port`,
    '',
  ].join('\n');
}

export function stateful(): string {
  return [
    `table=0,ip,actions=ct(table=1,zone=${zone})`,
    'table=1,priority=20,ip,ct_state=+trk+est-inv,actions=goto_table:2',
    `table=1,priority=10,in_port=1,ip,ct_state=+trk+new-inv,actions=ct(commit,zone=${zone}),goto_table:2`,
    bothWays(2, 'output:1', 'output:2'),
  ].join('\n');
}

export function snat(): string {
  return translated(outsideRange());
}

/** One to one, by connection tracking as OVN's dnat_and_snat: no ports are given out. */
export function floating(): string {
  return translated(plan.snat.first);
}

function outsideRange(): string {
  return `${plan.snat.first}-${plus(plan.snat.first, plan.snat.count - 1)}:1024-65535`;
}

function translated(range: string): string {
  return [
    `table=0,ip,actions=ct(table=1,zone=${zone},nat)`,
    'table=1,priority=20,ip,ct_state=+trk+est-inv,actions=goto_table:2',
    `table=1,priority=10,in_port=1,ip,ct_state=+trk+new-inv,actions=ct(commit,zone=${zone},nat(src=${range})),goto_table:2`,
    bothWays(2, 'output:1', 'output:2'),
  ].join('\n');
}

/** Only the client with its own addresses may send; what it opens passes by the rules, and is translated. */
export function guardedSnat(): string {
  const { mac, address } = plan.client;
  return [
    `table=0,in_port=1,ip,dl_src=${mac},dl_dst=${gateway},nw_src=${address},actions=ct(table=1,zone=${zone},nat)`,
    `table=0,in_port=2,ip,actions=ct(table=1,zone=${zone},nat)`,
    'table=1,priority=20,ip,ct_state=+trk+est-inv,actions=goto_table:3',
    'table=1,priority=10,in_port=1,ip,ct_state=+trk+new-inv,actions=goto_table:2',
    rules(2, 1000, `ct(commit,zone=${zone},nat(src=${outsideRange()})),goto_table:3`),
    bothWays(3, 'output:1', 'output:2'),
  ].join('\n');
}

export function acl(count: number): string {
  return [
    `table=0,in_port=1,ip,dl_dst=${gateway},actions=goto_table:1`,
    rules(1, count, 'goto_table:2'),
    routes(1000, (n) => `table=2,ip,${destination(n, 4)}`, toServer('output:2')),
  ].join('\n');
}

/** Devices are ports 1 and 2, the tunnels' ends behind them `from` and `to`. */
export function gatewayUnderlay(): string {
  const { from, to } = plan.vtep;
  return [
    'in_port=1,actions=LOCAL',
    'in_port=2,actions=LOCAL',
    `in_port=LOCAL,dl_dst=${from.mac},actions=output:1`,
    `in_port=LOCAL,dl_dst=${to.mac},actions=output:2`,
    '',
  ].join('\n');
}

export function vrouterUnderlay(): string {
  return 'in_port=1,actions=LOCAL\nin_port=LOCAL,actions=output:1\n';
}

/** Only the client with its own addresses may send; established connections pass, new ones of the client pass by the rules. */
export function vrouter(): string {
  const { mac, address } = plan.client;
  return [
    `table=0,in_port=1,ip,dl_src=${mac},dl_dst=${gateway},nw_src=${address},actions=ct(table=1,zone=${zone})`,
    `table=0,in_port=2,ip,actions=ct(table=1,zone=${zone})`,
    'table=1,priority=20,ip,ct_state=+trk+est-inv,actions=goto_table:3',
    'table=1,priority=10,in_port=1,ip,ct_state=+trk+new-inv,actions=goto_table:2',
    rules(2, 1000, `ct(commit,zone=${zone}),goto_table:3`),
    bothWays(3, 'output:1', 'output:2'),
  ].join('\n');
}

/**
 * Rule n forbids UDP from 10.0.0.0/24 to route n mod 1,000 and a port of its own from 10,000 on; the last allows port 9 from the clients to all of 16.0.0.0/4.
 * A packet of the load agrees with many rules in addresses, so that no single field decides.
 */
function rules(table: number, count: number, allowed: string): string {
  const last = `table=${table},priority=1,udp,nw_src=${clients},nw_dst=16.0.0.0/4,tp_dst=9,actions=${allowed}\n`;
  // OpenFlow's priorities have 16 bits and equal ones must not overlap: the ports keep these rules apart.
  return (
    lines(
      count - 1,
      (n) => `table=${table},priority=2,udp,nw_src=10.0.0.0/24,${destination(n % 1000, 4)},tp_dst=${10_000 + n},actions=drop`,
    ) + last
  );
}

/** 1,000 routes to the server, and the way back to the client. */
function bothWays(table: number, back: string, forth: string): string {
  const home = `dec_ttl,set_field:${gateway}->eth_src,set_field:${plan.client.mac}->eth_dst,${back}`;
  return `table=${table},ip,nw_dst=${clients},actions=${home}\n${routes(1000, (n) => `table=${table},ip,${destination(n, 4)}`, toServer(forth))}`;
}

function routes(count: number, match: (n: number) => string, actions: string): string {
  return lines(count, (n) => `${match(n)},actions=${actions}`);
}

function toServer(out: string): string {
  return `dec_ttl,set_field:${gateway}->eth_src,set_field:${plan.server.mac}->eth_dst,${out}`;
}

/** Match of route n: `nw_dst=20.0.1.0/24`, `ipv6_dst=2001:db8:8000:1::/64`. */
export function destination(n: number, family: 4 | 6): string {
  if (family === 4) return `nw_dst=${plus(plan.firstRoute, n * 256)}/24`;
  const [a, b, c] = plan.firstRoute6.split(':').map((part) => Number.parseInt(part, 16));
  const upper = (c ?? 0) * 0x1_0000 + n;
  return `ipv6_dst=${(a ?? 0).toString(16)}:${(b ?? 0).toString(16)}:${Math.floor(upper / 0x1_0000).toString(16)}:${(upper % 0x1_0000).toString(16)}::/64`;
}

function plus(address: string, offset: number): string {
  const value = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0) + offset;
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

function lines(count: number, line: (n: number) => string): string {
  const text: string[] = [];
  for (let n = 0; n < count; n++) text.push(line(n), '\n');
  return text.join('');
}
