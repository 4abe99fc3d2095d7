/** Decides about DnsRecords: each for itself, beside the others of its name, and the limits of its network. */
import { domainOf, type Port, type VirtualNetwork } from '@weft/kernel/contract/net';
import {
  type AdmissionReply,
  type AdmissionRequest,
  type FieldError,
  formatKey,
  keyOf,
  type ObjectKey,
} from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';
import type { DnsRecord } from '../kinds.ts';
import { recordTypes } from '../message/iana.ts';
import { formatName, nameKey, parseName } from '../message/name.ts';
import { targetName } from '../message/rdata.ts';
import { type Directory, networkOf } from './directory.ts';
import { type Placed, placeOf, type RecordProblem } from './record.ts';
import { statusOf } from './statuses.ts';

interface RecordLimits {
  /** DnsRecords of a network. */
  readonly count: number;
  /** Of their data. */
  readonly bytes: number;
}

interface Known {
  readonly objects: ObjectCache;
  readonly directory: Pick<Directory, 'records' | 'ports'>;
  readonly limits: RecordLimits;
}

/** All records of one name and type must fit one message (65,535 bytes), with room for the rest of it. */
const largestSet = 65_000;
/** Type, class, time to live, length and a compressed name. */
const recordOverhead = 12;

/** A network as it would be. */
interface Town {
  readonly network: VirtualNetwork;
  /** By `Kind/project/name`. */
  readonly records: ReadonlyMap<string, DnsRecord>;
  /** Those with a place, by the key of their owner. */
  readonly byOwner: ReadonlyMap<string, readonly Neighbour[]>;
  /** Ports by `nameKey` of their hostname. */
  readonly hostnames: ReadonlyMap<string, string>;
}

interface Neighbour {
  readonly title: string;
  readonly placed: Placed;
}

export function admitRecords(request: AdmissionRequest, known: Known): AdmissionReply {
  const written = request.changes.flatMap(({ key, after }) =>
    key.kind === 'DnsRecord' && after !== null ? [after as unknown as DnsRecord] : [],
  );
  const refusals: FieldError[] = [];
  const patches: { key: ObjectKey; status: Record<string, unknown> }[] = [];
  const towns = new Map<string, Town | undefined>();
  for (const record of written) {
    const network = networkOf(record);
    if (!towns.has(network)) towns.set(network, townOf(network, request, known));
    const town = towns.get(network);
    const { problems, status } = town === undefined ? noNetwork(record) : judge(record, town);
    refusals.push(...problems.map((problem) => ({ object: titleOf(record), ...problem })));
    patches.push({ key: keyOf(record), status });
  }
  for (const [network, town] of towns) if (town) refusals.push(...overLimits(network, town, written, known));
  return refusals.length > 0 ? { patches: [], refusals } : { patches, refusals };
}

const titleOf = (record: DnsRecord): string => formatKey(keyOf(record));

function noNetwork({ spec }: DnsRecord): Judgement {
  const message = `there is no VirtualNetwork ${spec.network} in this project`;
  return { problems: [{ pointer: '/spec/network', message, fix: 'name a network of the same project' }], status: {} };
}

interface Judgement {
  readonly problems: readonly RecordProblem[];
  readonly status: Record<string, unknown>;
}

function judge(record: DnsRecord, town: Town): Judgement {
  const placed = placeOf(record, town.network);
  if (!('owner' in placed)) return { problems: placed, status: {} };
  const others = (town.byOwner.get(nameKey(placed.owner)) ?? []).filter(({ title }) => title !== titleOf(record));
  const problems = [...aliasProblems(placed, others, town), ...sizeProblems(placed, others)];
  return { problems, status: { ...statusOf(record, town.network) } };
}

/** RFC 1034 §3.6.2, RFC 2181 §10.1: an alias stands alone. */
function aliasProblems(placed: Placed, others: readonly Neighbour[], town: Town): readonly RecordProblem[] {
  const isAlias = ({ type }: Placed): boolean => type === recordTypes.CNAME;
  const name = formatName(placed.owner);
  const at = (message: string, fix: string): RecordProblem[] => [{ pointer: '/spec/name', message, fix }];
  if (!isAlias(placed)) {
    const alias = others.find((other) => isAlias(other.placed));
    return alias === undefined ? [] : at(`${name} is an alias already, by ${alias.title}`, 'remove that one, or choose another name');
  }
  const [target] = placed.data;
  const canonical = target && targetName(recordTypes.CNAME, target);
  if (canonical && nameKey(canonical) === nameKey(placed.owner)) {
    return [{ pointer: '/spec/data/0', message: `${name} would be an alias of itself`, fix: 'name another target' }];
  }
  const [other] = others;
  if (other !== undefined)
    return at(`${name} has other records, by ${other.title}; an alias stands alone`, 'remove them, or choose another name');
  const depth = placed.owner.length - (parseName(domainOf(town.network)) ?? []).length;
  if (depth === 0)
    return at(`${name} is the domain itself, which has records of its own`, 'write A and AAAA records, or choose a name below it');
  const port = depth === 1 ? town.hostnames.get(nameKey(placed.owner.slice(0, 1))) : undefined;
  return port === undefined ? [] : at(`${name} is the hostname of ${port}; an alias stands alone`, 'choose another name');
}

function sizeProblems(placed: Placed, others: readonly Neighbour[]): readonly RecordProblem[] {
  const same = others.filter((other) => other.placed.type === placed.type).map((other) => other.placed);
  const bytes = [placed, ...same].flatMap(({ data }) => data).reduce((sum, data) => sum + data.length + recordOverhead, 0);
  if (bytes <= largestSet) return [];
  const message = `the records of this name and type take ${bytes} bytes, more than fit one answer`;
  return [{ pointer: '/spec/data', message, fix: `write at most ${largestSet} bytes in all` }];
}

function overLimits(network: string, town: Town, written: readonly DnsRecord[], { directory, limits }: Known): readonly FieldError[] {
  const before = [...directory.records(network).values()];
  const after = [...town.records.values()];
  const last = written.findLast((record) => networkOf(record) === network);
  if (last === undefined) return [];
  const refuse = (what: string, fix: string): FieldError[] => [{ object: titleOf(last), pointer: '/spec/network', message: what, fix }];
  const name = `the network ${last.spec.network}`;
  if (after.length > limits.count && after.length > before.length) {
    return refuse(
      `${name} would have ${after.length} DnsRecords`,
      `keep to ${limits.count}: the setting recordsPerNetwork of the plugin dns`,
    );
  }
  const bytes = dataBytes(after);
  if (bytes <= limits.bytes || bytes <= dataBytes(before)) return [];
  return refuse(
    `the data of ${name} would take ${bytes} bytes`,
    `keep to ${limits.bytes}: the setting recordBytesPerNetwork of the plugin dns`,
  );
}

function dataBytes(records: readonly DnsRecord[]): number {
  return records.reduce((sum, { spec }) => sum + spec.data.reduce((part, text) => part + Buffer.byteLength(text), 0), 0);
}

/** Undefined when there would be no such network. */
function townOf(key: string, request: AdmissionRequest, { objects, directory }: Known): Town | undefined {
  const [kind = '', project = '', name = ''] = key.split('/');
  const change = request.changes.find((each) => formatKey(each.key) === key);
  const network = change === undefined ? objects.get<VirtualNetwork>({ kind, project, name }) : (change.after as VirtualNetwork | null);
  if (!network) return undefined;
  const records = overlaid('DnsRecord', directory.records(key), key, request);
  const byOwner = new Map<string, Neighbour[]>();
  for (const [title, record] of records) {
    const placed = placeOf(record, network);
    if (!('owner' in placed)) continue;
    const owner = nameKey(placed.owner);
    byOwner.set(owner, [...(byOwner.get(owner) ?? []), { title, placed }]);
  }
  const hostnames = new Map<string, string>();
  for (const [title, { spec }] of overlaid('Port', directory.ports(key), key, request)) {
    if (spec.hostname !== undefined) hostnames.set(nameKey(parseName(spec.hostname) ?? []), title);
  }
  return { network, records, byOwner, hostnames };
}

/** The committed objects of a network with the changes of a transaction laid over them. */
function overlaid<T extends DnsRecord | Port>(
  kind: string,
  committed: ReadonlyMap<string, T>,
  network: string,
  request: AdmissionRequest,
): ReadonlyMap<string, T> {
  const all = new Map(committed);
  for (const change of request.changes) {
    if (change.key.kind !== kind) continue;
    all.delete(formatKey(change.key));
    const after = change.after as unknown as T | null;
    if (after !== null && networkOf(after) === network) all.set(formatKey(change.key), after);
  }
  return all;
}
