/** Rules for Ports that need no other port: fields of later versions, forms of MAC and IP addresses and of pairs, and the network that never changes. */
import { formatPrefix, gatewayMac, type Port, parseIp, prefixContains } from '@weft/kernel/contract/net';
import { type Pair, readPair } from '../pairs.ts';
import { hostRange, isGateway, isHost, type Subnet, subnetsOf } from '../subnet.ts';
import { dhcpOptionsProblems } from './client-options.ts';
import type { Problem, Refusals } from './refusals.ts';
import { networkOf, titleOf, type World } from './world.ts';

export function checkPort(before: Port | null, port: Port, world: World, refusals: Refusals): void {
  const { spec } = port;
  if (before && networkOf(before) !== networkOf(port)) {
    const message = `a port stays in its network, which is ${before.spec.network}`;
    refusals.add(port, '/spec/network', message, `delete ${titleOf(port)} and make it again in ${spec.network}`);
  }
  if (spec.host !== undefined) {
    refusals.add(port, '/spec/host', 'host is not supported by this version: every port is on this appliance', 'leave it out');
  }
  if (spec.mac !== undefined) refusals.addAll(port, macProblems(spec.mac, '/spec/mac'));
  refusals.addAll(port, dhcpOptionsProblems(spec.dhcpOptions, '/spec/dhcpOptions'));
  const network = world.networks.get(networkOf(port));
  checkPairs(port, network ? subnetsOf(network) : [], refusals);
}

function macProblems(text: string, pointer: string): readonly Problem[] {
  const mac = text.toLowerCase();
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) {
    return [
      {
        pointer,
        message: `${text} is a multicast address`,
        fix: 'use a unicast address: the first byte is even, such as 02:00:00:00:00:01',
      },
    ];
  }
  if (mac === '00:00:00:00:00:00') return [{ pointer, message: `${text} is no address`, fix: 'leave mac out' }];
  if (mac === gatewayMac) return [{ pointer, message: `${text} is the gateway's address`, fix: 'leave mac out, or choose another one' }];
  return [];
}

function checkPairs(port: Port, subnets: readonly Subnet[], refusals: Refusals): void {
  const seen = new Set<string>();
  for (const [index, spec] of (port.spec.allowedAddressPairs ?? []).entries()) {
    const pointer = `/spec/allowedAddressPairs/${index}`;
    const problems: Problem[] = spec.mac === undefined ? [] : [...macProblems(spec.mac, `${pointer}/mac`)];
    const pair = readPair(spec, pointer, problems);
    if (pair) {
      problems.push(...pairProblems(pair, subnets, seen, pointer));
      seen.add(pairKey(pair));
    }
    refusals.addAll(port, problems);
  }
}

function pairProblems(pair: Pair, subnets: readonly Subnet[], seen: ReadonlySet<string>, pointer: string): readonly Problem[] {
  if (seen.has(pairKey(pair))) return [{ pointer, message: `${formatPrefix(pair.prefix)} is listed twice`, fix: 'list it once' }];
  const address = { family: pair.prefix.family, value: pair.prefix.first };
  const subnet = pair.prefix.first === pair.prefix.last ? subnets.find((each) => isGateway(each, address)) : undefined;
  if (!subnet) return [];
  const message = `${formatPrefix(pair.prefix)} is the gateway of ${formatPrefix(subnet.prefix)}`;
  return [{ pointer: `${pointer}/address`, message, fix: `choose another address from ${hostRange(subnet.prefix)}` }];
}

function pairKey({ prefix, mac }: Pair): string {
  return `${formatPrefix(prefix)} ${mac ?? ''}`;
}

/** What is wrong with an address that a port names; undefined when it may have it. */
export function addressProblem(text: string, subnets: readonly Subnet[]): Omit<Problem, 'pointer'> | undefined {
  const address = parseIp(text);
  if (!address) {
    return { message: `${text} is not an IP address`, fix: 'write one address without a length, such as 10.1.0.11 or 2001:db8:1::11' };
  }
  const subnet = subnets.find(({ prefix }) => prefixContains(prefix, address));
  if (!subnet) {
    const prefixes = subnets.map(({ prefix }) => formatPrefix(prefix)).join(', ');
    return {
      message: `${text} is in no subnet of the network`,
      fix: prefixes ? `choose an address from ${prefixes}` : 'give the network a subnet first',
    };
  }
  const { prefix } = subnet;
  const fix = `choose another one from ${hostRange(prefix)}`;
  if (!isHost(prefix, address)) {
    const first = prefix.family === 4 ? 'network' : 'subnet-router anycast';
    const role = address.value === prefix.first ? first : 'broadcast';
    return { message: `${text} is the ${role} address of ${formatPrefix(prefix)}`, fix };
  }
  return isGateway(subnet, address) ? { message: `${text} is the gateway of ${formatPrefix(prefix)}`, fix } : undefined;
}
