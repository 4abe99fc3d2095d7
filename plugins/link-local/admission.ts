/** What the schema cannot say of a LinkLocalService. */

import { isIP } from 'node:net';
import { canonicalIp, formatIp, parseIp } from '@weft/kernel/contract/net';
import { type AdmissionReply, type AdmissionRequest, type FieldError, formatKey, keyOf } from '@weft/kernel/contract/system';
import { type DeniedPrefixes, isDenied, type ObjectCache } from '@weft/kernel/sdk';
import type { LinkLocalService } from './kinds.ts';

/** Other plugins answer there, in every network: port 80 the metadata service. */
const metadataAddresses = ['169.254.169.254', 'fe80::a9fe:a9fe', 'fd00:ec2::254'];
const metadataPort = 80;
/** DHCP, whatever the address. */
const clientPorts = [67, 547];
const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;

interface Problem {
  readonly pointer: string;
  readonly message: string;
  readonly fix: string;
}

export function admit({ changes }: AdmissionRequest, objects: Pick<ObjectCache, 'list'>, denied: DeniedPrefixes): AdmissionReply {
  const written = changes.flatMap(({ after }) => (after?.kind === 'LinkLocalService' ? [after as unknown as LinkLocalService] : []));
  const touched = new Set(changes.map(({ key }) => formatKey(key)));
  const others = objects.list<LinkLocalService>('LinkLocalService').filter((other) => !touched.has(formatKey(keyOf(other))));
  const refusals = written.flatMap((service, index) => {
    const rivals = [...others, ...written.slice(0, index)];
    const problems = [...addressProblems(service), ...upstreamProblems(service, denied), ...rivalProblems(service, rivals)];
    return problems.map((problem): FieldError => ({ object: formatKey(keyOf(service)), ...problem }));
  });
  const patches = written.flatMap((service) => (service.status.phase === undefined ? [{ key: keyOf(service), status: initial }] : []));
  return { patches: refusals.length > 0 ? [] : patches, refusals };
}

const initial = { phase: 'Active', reason: '' };

function addressProblems({ spec }: LinkLocalService): Problem[] {
  const pointer = '/spec/address';
  const address = parseIp(spec.address);
  if (address === undefined)
    return [{ pointer, message: `${spec.address} is not an IP address`, fix: 'write one such as 169.254.169.123' }];
  if (!isUnicast(formatIp(address)))
    return [{ pointer, message: `${spec.address} is not a unicast address`, fix: 'choose one such as 169.254.169.123' }];
  if (spec.protocol === 'tcp' && spec.port === metadataPort && metadataAddresses.includes(formatIp(address)))
    return [{ pointer: '/spec/port', message: 'the metadata service answers there', fix: 'choose another address or port' }];
  if (spec.protocol === 'udp' && clientPorts.includes(spec.port))
    return [{ pointer: '/spec/port', message: `DHCP answers UDP port ${spec.port} at every address`, fix: 'choose another port' }];
  return [];
}

/** 0/8, 127/8, 224/3 and their like of IPv6 name nobody that a VM could ask. */
function isUnicast(address: string): boolean {
  if (address.includes(':')) return address !== '::' && address !== '::1' && !address.startsWith('ff') && !address.startsWith('::ffff:');
  const first = Number(address.split('.')[0]);
  return first > 0 && first !== 127 && first < 224;
}

function upstreamProblems({ spec }: LinkLocalService, denied: DeniedPrefixes): Problem[] {
  return spec.upstreams.flatMap(({ address }, index) => {
    const pointer = `/spec/upstreams/${index}/address`;
    if (isDenied(denied, address))
      return [{ pointer, message: `${address} is denied by the setting deniedUpstreams of the plugin`, fix: 'name another server' }];
    return isIP(address) !== 0 || (hostName.test(address) && !/^[0-9.]+$/.test(address))
      ? []
      : [{ pointer, message: `${address} is neither an address nor a name`, fix: 'write one of them' }];
  });
}

/** Two of one project with the same address, protocol and port, for networks that both name or that neither names. */
function rivalProblems(service: LinkLocalService, rivals: readonly LinkLocalService[]): Problem[] {
  const { spec, metadata } = service;
  const rival = rivals.find(
    (other) =>
      other.metadata.project === metadata.project &&
      other.spec.protocol === spec.protocol &&
      other.spec.port === spec.port &&
      canonicalIp(other.spec.address) === canonicalIp(spec.address) &&
      overlap(spec.networks, other.spec.networks),
  );
  if (rival === undefined) return [];
  const message = `${rival.metadata.name} has this address, protocol and port in a network of this one already`;
  return [{ pointer: '/spec/port', message, fix: 'change one of them, or say other networks' }];
}

function overlap(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === undefined || b === undefined || a.some((name) => b.includes(name));
}
