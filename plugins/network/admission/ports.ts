/** Rules for Ports that need no other port: fields of later versions, MAC forms, address forms, and the network that never changes. */
import { gatewayMac, type Port } from '@weft/kernel/contract/net';
import { contains, formatIpv4, formatPrefix, isHost, isIpv6Text, parseIpv4 } from '../ipv4.ts';
import { ipv6Fix, type Subnet } from '../subnet.ts';
import type { Problem, Refusals } from './refusals.ts';
import { networkOf, titleOf } from './world.ts';

export function checkPort(before: Port | null, port: Port, refusals: Refusals): void {
  const { spec } = port;
  if (before && networkOf(before) !== networkOf(port)) {
    const message = `a port stays in its network, which is ${before.spec.network}`;
    refusals.add(port, '/spec/network', message, `delete ${titleOf(port)} and make it again in ${spec.network}`);
  }
  if (spec.securityGroups && spec.securityGroups.length > 0) {
    refusals.add(port, '/spec/securityGroups', 'securityGroups is not supported by this version', 'leave it out');
  }
  if (spec.host !== undefined) {
    refusals.add(port, '/spec/host', 'host is not supported by this version: every port is on this appliance', 'leave it out');
  }
  if (spec.mac !== undefined) refusals.addAll(port, macProblems(spec.mac));
  checkPairs(port, refusals);
}

function macProblems(text: string): readonly Problem[] {
  const mac = text.toLowerCase();
  const pointer = '/spec/mac';
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) {
    return [
      {
        pointer,
        message: `${text} is a multicast address`,
        fix: 'use a unicast address: the first byte is even, such as 02:00:00:00:00:01',
      },
    ];
  }
  if (mac === '00:00:00:00:00:00') return [{ pointer, message: `${text} is no address`, fix: 'leave mac out to have one allocated' }];
  if (mac === gatewayMac) return [{ pointer, message: `${text} is the gateway's address`, fix: 'leave mac out to have one allocated' }];
  return [];
}

/** The forwarder lets one MAC address through a secured port, so a pair with another one would be dropped without a word. */
function checkPairs(port: Port, refusals: Refusals): void {
  const { allowedAddressPairs, portSecurity, mac } = port.spec;
  for (const [index, pair] of (allowedAddressPairs ?? []).entries()) {
    const pointer = `/spec/allowedAddressPairs/${index}`;
    if (isIpv6Text(pair.address))
      refusals.add(port, `${pointer}/address`, `${pair.address} is IPv6, which this version does not route`, ipv6Fix);
    else if (parseIpv4(pair.address) === undefined) {
      refusals.add(port, `${pointer}/address`, `${pair.address} is not an IPv4 address`, 'write one address, such as 10.1.0.100');
    }
    if (pair.mac !== undefined && portSecurity && pair.mac.toLowerCase() !== mac?.toLowerCase()) {
      const fix = "leave it out, write the port's own spec.mac, or set portSecurity: false";
      refusals.add(port, `${pointer}/mac`, "another MAC address than the port's is not supported by this version", fix);
    }
  }
}

/** What is wrong with an address that a port names; undefined when it may have it. */
export function addressProblem(text: string, subnets: readonly Subnet[]): Omit<Problem, 'pointer'> | undefined {
  if (isIpv6Text(text)) return { message: `${text} is IPv6, which this version does not route`, fix: ipv6Fix };
  const address = parseIpv4(text);
  if (address === undefined)
    return { message: `${text} is not an IPv4 address`, fix: 'write one address without a length, such as 10.1.0.11' };
  const subnet = subnets.find(({ prefix }) => contains(prefix, address));
  if (!subnet) {
    const prefixes = subnets.map(({ prefix }) => formatPrefix(prefix)).join(', ');
    return {
      message: `${text} is in no subnet of the network`,
      fix: prefixes ? `choose an address from ${prefixes}` : 'give the network a subnet first',
    };
  }
  const range = `${formatIpv4(subnet.prefix.first + 1)} to ${formatIpv4(subnet.prefix.last - 1)}`;
  if (!isHost(subnet.prefix, address)) {
    const role = address === subnet.prefix.first ? 'network' : 'broadcast';
    return { message: `${text} is the ${role} address of ${formatPrefix(subnet.prefix)}`, fix: `choose one from ${range}` };
  }
  if (address === subnet.gateway)
    return { message: `${text} is the gateway of ${formatPrefix(subnet.prefix)}`, fix: `choose another one from ${range}` };
  return undefined;
}
