/** Which options a lease carries, in which order (RFC 2131 §4.3.1, RFC 2132 §9.8). */
import { ipv4Mask } from '@weft/kernel/contract/net';
import type { Assignment } from './assignment.ts';
import type { DhcpMessage } from './codec.ts';
import { addresses, type ClientRoute, classlessRoutes, optionCodes, text, uint16, uint32 } from './option.ts';

type Option = [code: number, value: Buffer];

const defaultPrefix = '0.0.0.0/0';

/** Order when the client does not say: most needed first, for what does not fit is left out from the end. */
const preference: readonly number[] = [
  optionCodes.router,
  optionCodes.classlessRoutes,
  optionCodes.domainNameServer,
  optionCodes.broadcastAddress,
  optionCodes.interfaceMtu,
  optionCodes.domainName,
  optionCodes.hostName,
];

/** Lease time with renewal at 1/2 and rebinding at 7/8 of it (RFC 2131 §4.4.5). */
export function leaseOptions(leaseSeconds: number): Option[] {
  return [
    [optionCodes.leaseTime, uint32(leaseSeconds)],
    [optionCodes.renewalTime, uint32(Math.floor(leaseSeconds / 2))],
    [optionCodes.rebindingTime, uint32(Math.floor((leaseSeconds * 7) / 8))],
  ];
}

/**
 * The subnet mask, always and before any router (RFC 2132 §3.3), then what the client asks for in the order in which it asks; everything when it
 * sends no list. Classless routes replace the router for a client that asks for them (RFC 3442).
 */
export function networkOptions(request: DhcpMessage, assignment: Assignment): Option[] {
  const list = request.options.get(optionCodes.parameterRequestList);
  const wanted = list === undefined ? preference : [...new Set(list)];
  const available = availableOptions(assignment);
  if (list?.includes(optionCodes.classlessRoutes) && available.has(optionCodes.classlessRoutes)) available.delete(optionCodes.router);
  const mask: Option = [optionCodes.subnetMask, uint32(ipv4Mask(assignment.prefixLength))];
  const chosen = wanted.flatMap((code): Option[] => {
    const value = available.get(code);
    return value === undefined ? [] : [[code, value]];
  });
  return [mask, ...chosen];
}

function availableOptions(assignment: Assignment): Map<number, Buffer> {
  const { routes } = assignment;
  const router = routes.find((route) => route.prefix === defaultPrefix)?.nextHop ?? assignment.router;
  const options = new Map<number, Buffer>([
    [optionCodes.domainName, text(assignment.domain)],
    [optionCodes.interfaceMtu, uint16(assignment.mtuBytes)],
    [optionCodes.broadcastAddress, broadcastAddress(assignment)],
  ]);
  if (router !== undefined) options.set(optionCodes.router, addresses([router]));
  if (assignment.dns.length > 0) options.set(optionCodes.domainNameServer, addresses(assignment.dns));
  if (assignment.hostname !== '') options.set(optionCodes.hostName, text(assignment.hostname));
  if (routes.length > 0) options.set(optionCodes.classlessRoutes, classlessRoutes(withDefault(routes, router)));
  return options;
}

/** A client that takes option 121 ignores option 3, so the default route must be among them (RFC 3442 "DHCP Client Behavior"). */
function withDefault(routes: readonly ClientRoute[], router: string | undefined): readonly ClientRoute[] {
  if (router === undefined) return routes;
  const others = routes.filter((route) => route.prefix !== defaultPrefix);
  return [...others, { prefix: defaultPrefix, nextHop: router }];
}

function broadcastAddress(assignment: Assignment): Buffer {
  return uint32((addresses([assignment.address]).readUInt32BE() | ~ipv4Mask(assignment.prefixLength)) >>> 0);
}
