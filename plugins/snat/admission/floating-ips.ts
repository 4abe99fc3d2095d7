/** Rules for FloatingIps: an address that nobody has, a port with an address for it, and an uplink that is the way out of its network. */
import { canonicalIp, type FloatingIp, type Port, parseIp, type VirtualNetwork } from '@weft/kernel/contract/net';
import { insideAddresses, insideOf } from '../floating-ips.ts';
import { poolPlace } from '../pools.ts';
import type { Site } from '../site.ts';
import { decidedOf, placeOf } from '../uplinks.ts';
import { addressProblems, type Problem, placeProblems } from './check.ts';

export function ipProblems(ip: FloatingIp, site: Site): readonly Problem[] {
  const { address: text, uplink: named } = ip.spec;
  const problems = addressProblems(ip, text, '/spec/address', site);
  const address = parseIp(text);
  if (problems.length > 0 || address === undefined) return problems;
  const port = site.portOf(ip);
  const place = placeOf(address, named, site.uplinks(), decidedOf(ip.status));
  return [
    ...placeProblems(address, place, named, '/spec/address'),
    ...(port === undefined ? [missing(ip)] : [...insideProblems(ip, port), ...wayProblems(ip, port, place.uplink?.metadata.name, site)]),
  ];
}

function missing({ spec, metadata }: FloatingIp): Problem {
  const message = `there is no Port ${spec.target.port} in project ${metadata.project}`;
  return { pointer: '/spec/target/port', message, fix: 'create it first, or name one that exists' };
}

function insideProblems(ip: FloatingIp, port: Port): readonly Problem[] {
  const { target, address: outside } = ip.spec;
  const family = parseIp(outside)?.family;
  const named = target.address === undefined ? undefined : parseIp(target.address);
  const pointer = target.address === undefined ? '/spec/target/port' : '/spec/target/address';
  if (target.address !== undefined && named === undefined)
    return [{ pointer, message: `${target.address} is not an IP address`, fix: `write one of ${describe(port)}` }];
  if (named !== undefined && named.family !== family) {
    const message = `${target.address} is IPv${named.family}, ${outside} is IPv${family}`;
    return [{ pointer, message, fix: 'both must be of the same IP version: address families are not translated' }];
  }
  if (insideOf(ip, port) !== undefined) return [];
  const what = target.address === undefined ? `no IPv${family} address` : `not the address ${canonicalIp(target.address)}`;
  return [{ pointer, message: `Port ${target.port} has ${what}`, fix: `give it one, or name one of ${describe(port)}` }];
}

function describe(port: Port): string {
  const addresses = insideAddresses(port);
  return addresses.length === 0 ? 'another port: this one has none' : addresses.slice(0, 8).join(', ');
}

function wayProblems(ip: FloatingIp, port: Port, uplink: string | undefined, site: Site): readonly Problem[] {
  const network = site.networkOf(port);
  if (network === undefined) return [];
  if (network.spec.forwarding === 'l2') {
    const message = `the network of Port ${ip.spec.target.port} has forwarding l2: it has no gateway, nothing leaves it`;
    return [{ pointer: '/spec/target/port', message, fix: 'change its forwarding to l2_l3 or l3, or name a port of another network' }];
  }
  const other = waysOf(network, site).find(({ name }) => name !== uplink);
  if (uplink === undefined || other === undefined) return [];
  const message = `it is behind Uplink/${uplink}, and the network of Port ${ip.spec.target.port} leaves through Uplink/${other.name} (${other.why})`;
  return [{ pointer: '/spec/address', message, fix: 'a network has one way out: choose an address of that uplink' }];
}

function waysOf(network: VirtualNetwork, site: Site): readonly { readonly name: string; readonly why: string }[] {
  const pool = site.poolOf(network);
  const behind = pool && poolPlace(pool, site.uplinks()).uplink?.metadata.name;
  return [
    ...(network.spec.underlay === undefined ? [] : [{ name: network.spec.underlay, why: 'underlay' }]),
    ...(behind === undefined ? [] : [{ name: behind, why: 'the pool of its router' }]),
    ...site.uplinksOfIps(network).map((name) => ({ name, why: 'other floating IPs' })),
  ];
}
