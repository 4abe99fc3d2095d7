/** Which options a lease carries, in which order (RFC 2131 §4.3.1, RFC 2132 §9.8), and what stands in the fields for boot loaders. */
import { ipv4Mask, isIpv4, parseIp } from '@weft/kernel/contract/net';
import { compressedDomainList } from '../domain-list.ts';
import { type Assignment, defaultPrefix } from './assignment.ts';
import { type DhcpMessage, noAddress, noName } from './codec.ts';
import { addresses, type ClientRoute, classlessRoutes, optionCodes, readAddress, text, uint16, uint32 } from './option.ts';

type Option = [code: number, value: Buffer];

/** What a reply says beside lease and options: the next server and its boot file (RFC 2131 §2). */
export type BootFields = Pick<DhcpMessage, 'siaddr' | 'sname' | 'file'>;

/** Order when the client does not say: most needed first, for what does not fit is left out from the end. */
const preference: readonly number[] = [
  optionCodes.router,
  optionCodes.classlessRoutes,
  optionCodes.domainNameServer,
  optionCodes.broadcastAddress,
  optionCodes.interfaceMtu,
  optionCodes.domainName,
  optionCodes.hostName,
  optionCodes.tftpServerName,
  optionCodes.bootFile,
  optionCodes.ntpServers,
  optionCodes.domainSearch,
  optionCodes.tftpServers,
];

/** Lengths of the fields of RFC 2131 §2, without the zero that ends a name. */
const snameBytes = 63;
const fileBytes = 127;

/** Adds the lease time with renewal at 1/2 and rebinding at 7/8 of it (RFC 2131 §4.4.5). */
export function addLease(options: Map<number, Buffer>, leaseSeconds: number): void {
  options.set(optionCodes.leaseTime, uint32(leaseSeconds));
  options.set(optionCodes.renewalTime, uint32(Math.floor(leaseSeconds / 2)));
  options.set(optionCodes.rebindingTime, uint32(Math.floor((leaseSeconds * 7) / 8)));
}

/**
 * Adds the subnet mask, always and before any router (RFC 2132 §3.3), then what the client asks for in the order in which it asks, then custom
 * options that it did not ask for; everything when it sends no list. Classless routes replace the router for a client that asks for them (RFC 3442).
 */
export function addNetworkOptions(options: Map<number, Buffer>, request: DhcpMessage, assignment: Assignment): void {
  const list = request.options.get(optionCodes.parameterRequestList);
  const { mask, available } = preparedFor(assignment);
  const routed = list?.includes(optionCodes.classlessRoutes) === true && available.has(optionCodes.classlessRoutes);
  const add = (code: number): void => {
    const value = available.get(code);
    if (value !== undefined && !(routed && code === optionCodes.router)) options.set(code, value);
  };
  options.set(optionCodes.subnetMask, mask);
  for (const code of list ?? preference) add(code);
  for (const code of assignment.told.custom.keys()) add(code);
}

/** Boot loaders look into the fields rather than at options 66, 67 and 150. A name that is too long for its field is told as option only. */
export const bootFields = (assignment: Assignment): BootFields => preparedFor(assignment).boot;

/** What is the same for every message of a client. */
interface Prepared {
  readonly mask: Buffer;
  /** Values by code. */
  readonly available: ReadonlyMap<number, Buffer>;
  readonly boot: BootFields;
}

const prepared = new WeakMap<Assignment, Prepared>();

function preparedFor(assignment: Assignment): Prepared {
  const before = prepared.get(assignment);
  if (before !== undefined) return before;
  const mask = uint32(ipv4Mask(assignment.prefixLength));
  const available = new Map([...generatedOptions(assignment), ...assignment.told.custom]);
  const made = { mask, available, boot: bootFieldsOf(assignment) };
  prepared.set(assignment, made);
  return made;
}

function bootFieldsOf({ told }: Assignment): BootFields {
  const { tftpServers, tftpServerName, bootFile } = told;
  const named = isIpv4(tftpServerName) && parseIp(tftpServerName) !== undefined;
  return {
    siaddr: tftpServers[0] ?? (named ? tftpServerName : noAddress),
    sname: fitting(tftpServerName, snameBytes),
    file: fitting(bootFile, fileBytes),
  };
}

function fitting(name: string, limit: number): Buffer {
  const bytes = text(name);
  return bytes.length <= limit ? bytes : noName;
}

function generatedOptions(assignment: Assignment): Map<number, Buffer> {
  const { dns, hostname, told } = assignment;
  const router = routerOf(assignment);
  const routes = withDefault(assignment.routes, router);
  const values: readonly Option[] = [
    [optionCodes.domainName, text(assignment.domain)],
    [optionCodes.interfaceMtu, uint16(assignment.mtuBytes)],
    [optionCodes.broadcastAddress, broadcastAddress(assignment)],
    [optionCodes.router, addresses(router === undefined ? [] : [router])],
    [optionCodes.domainNameServer, addresses(dns)],
    [optionCodes.hostName, text(hostname)],
    [optionCodes.classlessRoutes, classlessRoutes(routes)],
    [optionCodes.ntpServers, addresses(told.ntp)],
    [optionCodes.domainSearch, compressedDomainList(told.domainSearch ?? [])],
    [optionCodes.tftpServerName, text(told.tftpServerName)],
    [optionCodes.bootFile, text(told.bootFile)],
    [optionCodes.tftpServers, addresses(told.tftpServers)],
  ];
  return new Map(values.filter(([, value]) => value.length > 0));
}

/** A custom option 3 and a default route of the subnet both take the gateway's place. */
function routerOf({ routes, router, told }: Assignment): string | undefined {
  const custom = readAddress(told.custom.get(optionCodes.router)?.subarray(0, 4));
  return custom ?? routes.find(({ prefix }) => prefix === defaultPrefix)?.nextHop ?? router;
}

/** A client that takes option 121 ignores option 3, so the default route must be among them (RFC 3442 "DHCP Client Behavior"). */
function withDefault(routes: readonly ClientRoute[], router: string | undefined): readonly ClientRoute[] {
  if (routes.length === 0 || router === undefined) return routes;
  const others = routes.filter((route) => route.prefix !== defaultPrefix);
  return [...others, { prefix: defaultPrefix, nextHop: router }];
}

function broadcastAddress(assignment: Assignment): Buffer {
  return uint32((addresses([assignment.address]).readUInt32BE() | ~ipv4Mask(assignment.prefixLength)) >>> 0);
}
