/** Who is behind a port: what the trees are made of. Pure. */
import { domainOf, isIpv4, type Port, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { InstanceData } from './kinds.ts';

export interface Guest {
  readonly port: Port;
  readonly network: VirtualNetwork;
  /** Of the port's project; empty while it is not known. */
  readonly projectUuid: string;
  readonly data: InstanceData['spec'] | undefined;
  readonly availabilityZone: string;
}

export interface SshKey {
  /** Unique among the keys of one guest. */
  readonly name: string;
  readonly line: string;
}

/** Stable for the life of the port. */
export function instanceIdOf({ spec, metadata }: Port): string {
  return spec.instanceId ?? metadata.uid;
}

/** A project as Nova writes it: 32 hexadecimal digits. */
export function projectIdOf({ projectUuid }: Pick<Guest, 'projectUuid'>): string {
  return projectUuid.replaceAll('-', '');
}

/** The whole name, as the plugin dns answers it. Ports without a host name go by their own. */
export function hostnameOf({ port, network }: Pick<Guest, 'port' | 'network'>): string {
  const label = port.spec.hostname ?? port.metadata.name.replaceAll('.', '-');
  return `${label}.${domainOf(network)}`;
}

export function addressesOf(port: Port, family: 4 | 6): readonly string[] {
  return (port.status.addresses ?? []).filter((address) => isIpv4(address) === (family === 4));
}

/** Region as EC2 derives it: us-east-1a lies in us-east-1. */
export function regionOf(zone: string): string {
  return zone.replace(/(?<=\d)[a-z]$/, '');
}

export function keysOf({ data }: Pick<Guest, 'data'>): readonly SshKey[] {
  const taken = new Set<string>();
  return (data?.keys ?? []).map((text, index) => {
    const line = text.trim();
    const comment = line
      .split(/\s+/)
      .slice(2)
      .join('-')
      .replaceAll(/[^A-Za-z0-9._@-]/g, '');
    const base = comment === '' ? `key-${index}` : comment.slice(0, 128);
    let name = base;
    for (let next = index; taken.has(name); next += 1) name = `${base}-${next}`;
    taken.add(name);
    return { name, line };
  });
}

/** As it was given, to the byte; undefined when there is none. */
export function userDataOf({ data }: Pick<Guest, 'data'>): Buffer | undefined {
  if (data?.userDataBase64 !== undefined) return Buffer.from(data.userDataBase64, 'base64');
  return data?.userData === undefined ? undefined : Buffer.from(data.userData);
}
