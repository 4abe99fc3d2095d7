/** Decides about SnatPools and FloatingIps: what cannot be is refused by field; pools get their numbers. */
import { isDeepStrictEqual } from 'node:util';
import { canonicalIp, type FloatingIp, type SnatPool } from '@weft/kernel/contract/net';
import {
  type AdmissionReply,
  type AdmissionRequest,
  type Change,
  type FieldError,
  formatKey,
  keyOf,
  type WeftObject,
} from '@weft/kernel/contract/system';
import type { SnatConfig } from '../config.ts';
import { ipWants, poolWants } from '../rows/wanted.ts';
import type { Site } from '../site.ts';
import type { Problem } from './check.ts';
import { ipProblems } from './floating-ips.ts';
import { addressCount, poolProblems } from './pools.ts';

/** Rows of table `floating_ip` that fit into the forwarder, with some room left for what changes. */
const mostFloatingIps = 60_000;
/** More findings help nobody. */
const mostFindings = 100;
const awaitingForwarder = 'the forwarder does not have it yet';

type Patch = AdmissionReply['patches'][number];
type Written<T> = readonly T[];

export function admit(request: AdmissionRequest, site: Site, { maxAddresses }: Pick<SnatConfig, 'maxAddresses'>): AdmissionReply {
  const changes = request.changes.map(undecided);
  const written = changes.flatMap(({ before, after }) =>
    after === null || (before !== null && isDeepStrictEqual(before.spec, after.spec)) ? [] : [after],
  );
  const pools = ofKind<SnatPool>(written, 'SnatPool');
  const ips = ofKind<FloatingIp>(written, 'FloatingIp');
  const numbers = poolNumbers(site);
  return site.suppose(changes, () => {
    const refusals = [
      ...pools.flatMap((pool) => findings(pool, poolProblems(pool, site))),
      ...ips.flatMap((ip) => findings(ip, ipProblems(ip, site))),
      ...tooMany(pools, ips, site, maxAddresses),
    ];
    if (refusals.length > 0) return { patches: [], refusals: refusals.slice(0, mostFindings) };
    return { patches: [...pools.map((pool) => poolPatch(pool, numbers, site)), ...ips.map((ip) => ipPatch(ip, site))], refusals: [] };
  });
}

/** Where an object was decides nothing for one that has only other addresses by now. */
function undecided(change: Change): Change {
  const { before, after } = change;
  if (before === null || after === null || !['SnatPool', 'FloatingIp'].includes(after.kind)) return change;
  const had = outside(before);
  if (outside(after).some((address) => had.includes(address))) return change;
  return { ...change, after: { ...after, status: { ...after.status, uplink: '' } } };
}

function outside({ kind, spec }: WeftObject): readonly string[] {
  if (kind === 'FloatingIp') return [canonicalIp((spec as unknown as FloatingIp['spec']).address)];
  return (spec as unknown as SnatPool['spec']).addresses.map(canonicalIp);
}

function ofKind<T extends WeftObject<object, object>>(written: readonly WeftObject[], kind: string): Written<T> {
  return written.filter((object) => object.kind === kind) as unknown as Written<T>;
}

function findings(object: WeftObject<object, object>, problems: readonly Problem[]): readonly FieldError[] {
  return problems.map((problem) => ({ object: formatKey(keyOf(object)), ...problem }));
}

function tooMany(pools: Written<SnatPool>, ips: Written<FloatingIp>, site: Site, maxAddresses: number): readonly FieldError[] {
  const [pool, ip] = [pools.at(-1), ips.at(-1)];
  const addresses = addressCount(site);
  const shared = pool !== undefined && addresses > maxAddresses;
  const message = `all pools together would have ${addresses} addresses, at most ${maxAddresses} are allowed`;
  const fix = "raise maxAddresses of the plugin snat, and the forwarder's nat.addresses with it";
  const count = site.count('FloatingIp');
  const floating = ip !== undefined && count > mostFloatingIps;
  return [
    ...(shared ? findings(pool, [{ pointer: '/spec/addresses', message, fix }]) : []),
    ...(floating
      ? findings(ip, [
          { pointer: '', message: `there would be ${count} floating IPs, at most ${mostFloatingIps} fit`, fix: 'delete some first' },
        ])
      : []),
  ];
}

/** Free numbers; those last that a pool had: its blocks may still be there. */
function* poolNumbers(site: Site): Generator<number, never> {
  const used = new Set(site.all<SnatPool>('SnatPool').map(({ status }) => status.id));
  for (let number = site.highestPool + 1; number <= 0xffff_ffff; number++) yield number;
  for (let number = 1; ; number++) if (!used.has(number)) yield number;
}

function poolPatch(pool: SnatPool, numbers: Generator<number, never>, site: Site): Patch {
  const id = pool.status.id ?? numbers.next().value;
  const { status = {} } = poolWants(pool, site, '');
  return { key: keyOf(pool), status: { id, ...pending(status), assignments: pool.status.assignments ?? [] } };
}

function ipPatch(ip: FloatingIp, site: Site): Patch {
  return { key: keyOf(ip), status: pending(ipWants(ip, site).status ?? {}) };
}

/** What it will be, once the forwarder has it. */
function pending(status: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...status, phase: 'Pending', reason: status.phase === 'Active' ? awaitingForwarder : status.reason };
}
