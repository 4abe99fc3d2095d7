/** Who sends the packet of a trace: a VM behind a port, or somebody outside, behind an uplink. */
import {
  canonicalIp,
  cidrContains,
  isIpv4,
  type Port,
  parseIp,
  prefixContains,
  type Uplink,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import { fail, type ObjectCache, type OperationCall } from '@weft/kernel/sdk';
import { networkOf, scopedName } from '../admission/world.ts';
import { subnetsOf } from '../subnet.ts';
import { gatewaysOf, readUplink } from '../uplink.ts';
import { nameFor, oneLink } from './links.ts';
import { type Ends, groupMac } from './probe-frames.ts';

export interface Sender {
  /** Number of the port that the packet enters through. */
  readonly id: number;
  readonly name: string;
  /** For people. */
  readonly sender: string;
  readonly ends: Ends;
  /** Why it may send. */
  readonly permission: string;
  /** Whose MAC address is asked for, by whom. */
  readonly hop?: { readonly address: string; readonly asker: string };
  /** Without a question: the MAC address that it goes to. */
  readonly direct?: string;
}

interface Question {
  readonly from: string;
  readonly to: string;
  readonly source?: string;
}

/** Somebody outside whom no network has: TEST-NET-2 (RFC 5737), and the end of the documentation prefix (RFC 3849). */
const anybody = { 4: '198.51.100.1', 6: '2001:db8:ffff:ffff::1' } as const;
/** The router or host outside that hands the packet over. */
const outsideMac = '02:00:00:00:00:01';

/** Throws NOT_FOUND, CONFLICT, and INVALID for what cannot be sent. */
export function senderOf(cache: Pick<ObjectCache, 'list'>, call: OperationCall, question: Question): Sender {
  const { to, source } = question;
  for (const [field, text] of Object.entries({ to, source })) {
    if (text === undefined || parseIp(text) !== undefined) continue;
    throw fail('INVALID', `${text} is not an IP address (${field})`, 'write one such as 10.1.0.11 or 2001:db8::11');
  }
  if (source !== undefined && isIpv4(source) !== isIpv4(to))
    throw fail('INVALID', `${source} and ${to} are not of one family (source)`, 'name two IPv4 or two IPv6 addresses');
  const { id, project, kind } = oneLink(cache, call, question.from);
  if (kind === 'Uplink') {
    const uplink = cache.list<Uplink>('Uplink').find(({ status }) => status.id === id);
    if (uplink !== undefined) return outside(uplink, question);
  }
  const port = cache.list<Port>('Port', project).find(({ status }) => status.id === id);
  const network = cache.list<VirtualNetwork>('VirtualNetwork').find((each) => port && scopedName(each) === networkOf(port));
  if (port === undefined || network === undefined)
    throw fail('INVALID', `${question.from} is a Trunk, which has no address`, 'name one of its ports');
  return inside(port, network, question);
}

function inside(port: Port, network: VirtualNetwork, question: Question): Sender {
  const ends = endsOf(port, question);
  const { id, mac } = port.status;
  const permission = port.spec.portSecurity ? `the port may send from ${ends.src} with ${mac}` : 'off: the port may send anything';
  const common = { id, name: scopedName(port), sender: 'the VM', ends, permission };
  const direct = groupMac(ends.dst);
  return direct === undefined ? { ...common, hop: { address: nextHopOf(network, ends), asker: ends.src } } : { ...common, direct };
}

/** What is on the link is asked for, by a router there; all else is handed to the appliance. */
function outside(uplink: Uplink, { to, source }: Question): Sender {
  const { id, mac } = uplink.status;
  const { name } = uplink.metadata;
  if (mac === '') throw fail('UNAVAILABLE', `uplink ${name} has no MAC address yet`, `see why with: weft get uplink ${name}`);
  const src = source ?? anybody[isIpv4(to) ? 4 : 6];
  const ends = { srcMac: outsideMac, src, dst: to };
  const common = { id, name: nameFor({}, '', name, uplink.kind), sender: 'a router', ends, permission: 'an uplink takes what comes' };
  const asker = routerBeside(uplink, to);
  return asker === undefined ? { ...common, direct: groupMac(to) ?? mac } : { ...common, hop: { address: to, asker } };
}

/** A gateway on the subnet of an address; undefined: the address is elsewhere, or nobody there is known. */
function routerBeside(uplink: Uplink, to: string): string | undefined {
  const address = parseIp(to);
  const subnet = readUplink(uplink.spec).addresses.find(({ prefix }) => address !== undefined && prefixContains(prefix, address))?.prefix;
  return gatewaysOf(uplink).find((text) => {
    const gateway = parseIp(text);
    return subnet !== undefined && gateway !== undefined && prefixContains(subnet, gateway) && text !== canonicalIp(to);
  });
}

function endsOf(port: Port, { to, source }: Question): Ends {
  if (port.status.addresses.includes(canonicalIp(to)))
    throw fail(
      'INVALID',
      `${to} is an address of ${port.metadata.name} itself (to): nothing leaves the VM`,
      'name the address of another port',
    );
  const src = source ?? port.status.addresses.find((address) => isIpv4(address) === isIpv4(to));
  if (src === undefined)
    throw fail('INVALID', `${port.metadata.name} has no IPv${isIpv4(to) ? 4 : 6} address to send from`, 'name another port or address');
  return { srcMac: port.status.mac, src, dst: to };
}

/** Whom the VM asks for a MAC address: a destination on its own subnet itself, else the gateway of that subnet; nobody without one. */
function nextHopOf(network: VirtualNetwork, { src, dst }: Ends): string {
  const [from, to] = [parseIp(src), parseIp(dst)];
  const index = subnetsOf(network).findIndex(({ prefix }) => from !== undefined && prefixContains(prefix, from));
  const subnet = subnetsOf(network)[index];
  if (to === undefined || subnet === undefined || prefixContains(subnet.prefix, to) || isLinkLocal(dst)) return dst;
  // Plugin dhcp tells VMs of a network that only bridges that these are on the link.
  if (network.spec.forwarding === 'l2' && cidrContains('169.254.0.0/16', dst)) return dst;
  return network.status.gateways[index] ?? dst;
}

function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}
