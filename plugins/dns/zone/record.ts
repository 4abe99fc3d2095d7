/** Where a DnsRecord stands in its network, and its data as bytes. Pure. */
import { domainOf, isHostPrefix, parseIp, parsePrefix, prefixCovers, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { DnsRecord, DnsRecordSpec } from '../kinds.ts';
import { recordTypes } from '../message/iana.ts';
import { formatName, isHostLabel, isWithin, type Name, nameKey, parseName, reverseName, reversePrefix } from '../message/name.ts';
import { type Parsed, readData } from './record-data.ts';

/** A DnsRecord that is worth an answer. */
export interface Placed {
  readonly owner: Name;
  /** Below in-addr.arpa or ip6.arpa. */
  readonly reverse: boolean;
  readonly type: number;
  readonly ttl: number | undefined;
  readonly data: readonly Buffer[];
}

export interface RecordProblem {
  readonly pointer: string;
  readonly message: string;
  readonly fix: string;
}

type Network = Pick<VirtualNetwork, 'metadata' | 'spec'>;

export type Place = Placed | readonly RecordProblem[];

const places = new WeakMap<DnsRecord, { readonly network: Network; readonly place: Place }>();

/** All that is wrong with a record, whatever else there is; or its place. Remembered for as long as both objects are. */
export function placeOf(record: DnsRecord, network: Network): Place {
  const known = places.get(record);
  if (known?.network === network) return known.place;
  const place = placeRecord(record, network);
  places.set(record, { network, place });
  return place;
}

/** The same, anew. */
export function placeRecord({ spec }: Pick<DnsRecord, 'spec'>, network: Network): Place {
  const domain = parseName(domainOf(network)) ?? [];
  const owner = readOwner(spec, domain, network);
  const data = spec.data.map((text) => readData(spec.type, text, domain));
  const problems = [...problemsOf('/spec/name', owner), ...data.flatMap((each, index) => problemsOf(`/spec/data/${index}`, each))];
  if (spec.type === 'CNAME' && spec.data.length > 1) {
    problems.push({ pointer: '/spec/data/1', message: 'a name has one canonical name', fix: 'keep one entry' });
  }
  if (!owner.ok || problems.length > 0) return problems;
  const bytes = data.flatMap((each) => (each.ok ? [each.value] : []));
  const twice = bytes.findIndex((each, index) => bytes.findIndex((other) => other.equals(each)) < index);
  if (twice >= 0) {
    return [{ pointer: `/spec/data/${twice}`, message: `${JSON.stringify(spec.data[twice])} is there twice`, fix: 'keep one of them' }];
  }
  return { owner: owner.value, reverse: isReverse(owner.value), type: recordTypes[spec.type], ttl: spec.ttl, data: bytes };
}

function readOwner(spec: DnsRecordSpec, domain: Name, network: Network): Parsed<Name> {
  const { name, type } = spec;
  if (type === 'PTR' && parseIp(name) !== undefined) return inSubnets(reverseName(name), network);
  if (name === '@') return { ok: true, value: domain };
  const labels = parseName(name);
  const [first = '', ...rest] = labels ?? [];
  if (labels === undefined || !rest.every(isHostLabel) || (first !== '*' && !isHostLabel(first))) {
    return wrong(
      `${JSON.stringify(name)} is not a name`,
      'write labels of letters, digits, - and _ with dots between; only the first may be *',
    );
  }
  if (!name.endsWith('.')) return below(labels, name, domain);
  if (isReverse(labels))
    return type === 'PTR' ? inSubnets(labels, network) : wrong('names of addresses have PTR records', 'write type: PTR');
  if (isWithin(labels, domain)) return { ok: true, value: labels };
  return wrong(
    `${name} is not in ${formatName(domain)}, the domain of the network`,
    `write a name below it without a dot at its end, such as ${first}`,
  );
}

/** The domain again at the end of a relative name is a dot forgotten. */
function below(labels: Name, name: string, domain: Name): Parsed<Name> {
  if (isWithin(labels, domain))
    return wrong(`${name} would be ${name}.${formatName(domain)}`, `write ${name}. with a dot at its end, or the part before the domain`);
  const whole = parseName(formatName([...labels, ...domain]));
  return whole === undefined
    ? wrong(`${name} below ${formatName(domain)} is longer than 255 bytes`, 'choose a shorter name')
    : { ok: true, value: whole };
}

function inSubnets(owner: Name, { spec }: Network): Parsed<Name> {
  const spelt = reversePrefix(owner);
  if (spelt === undefined || !isHostPrefix(spelt))
    return wrong(`${formatName(owner)} names no whole address`, 'write the address itself as name');
  const inside = spec.subnets.some(({ cidr }) => {
    const prefix = parsePrefix(cidr)?.prefix;
    return prefix !== undefined && prefixCovers(prefix, spelt);
  });
  if (inside) return { ok: true, value: owner };
  return wrong(
    `no subnet of the network holds ${formatName(owner)}`,
    `write an address in ${spec.subnets.map(({ cidr }) => cidr).join(', ')}`,
  );
}

const wrong = (message: string, fix: string) => ({ ok: false, message, fix }) as const;

function isReverse(name: Name): boolean {
  return ['in-addr.arpa', 'ip6.arpa'].includes(nameKey(name.slice(-2)));
}

function problemsOf(pointer: string, result: Parsed<unknown>): RecordProblem[] {
  return result.ok ? [] : [{ pointer, message: result.message, fix: result.fix }];
}
