/** How long a resolution may be kept, and what it says about that. Pure. */
import type { ResourceRecord } from '../message/codec.ts';
import { rcodes, recordTypes } from '../message/iana.ts';
import { soaMinimum } from '../message/rdata.ts';
import type { Resolution } from '../zone/authority.ts';

export interface LifetimeSettings {
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly maxNegativeSeconds: number;
}

export interface Bounded {
  /** As it is to be told, its times to live within bounds. */
  readonly resolution: Resolution;
  /** 0: not to be kept. */
  readonly seconds: number;
}

/** Only whole answers are kept. */
export function bounded(resolution: Resolution, settings: LifetimeSettings): Bounded {
  const seconds = lifetimeOf(resolution, settings);
  if (seconds === undefined) return { resolution, seconds: 0 };
  const negative = resolution.answers.length === 0;
  const withTtl = (record: ResourceRecord): ResourceRecord => ({
    ...record,
    ttl: negative ? seconds : clamp(record.ttl, settings.minSeconds, settings.maxSeconds),
  });
  return { resolution: withRecords(resolution, withTtl), seconds };
}

/** The resolution with each record as `change` makes it. */
export function withRecords(resolution: Resolution, change: (record: ResourceRecord) => ResourceRecord): Resolution {
  return { ...resolution, answers: resolution.answers.map(change), authorities: resolution.authorities.map(change) };
}

/**
 * A negative answer needs a SOA and lives for the lesser of its TTL and its minimum (RFC 2308 §5), at the end of a chain of aliases (§2.1, §2.2) no
 * longer than these.
 */
function lifetimeOf(resolution: Resolution, { minSeconds, maxSeconds, maxNegativeSeconds }: LifetimeSettings): number | undefined {
  const { rcode, answers, authorities, truncated } = resolution;
  if (truncated || (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN)) return undefined;
  const soa = authorities.find((record) => record.type === recordTypes.SOA);
  if (soa === undefined && (rcode === rcodes.NXDOMAIN || answers.length === 0)) return undefined;
  const negative = soa === undefined ? [] : [clamp(Math.min(soa.ttl, soaMinimum(soa.data)), 0, maxNegativeSeconds)];
  return Math.min(...negative, ...answers.map((record) => clamp(record.ttl, minSeconds, maxSeconds)));
}

/** A TTL with its highest bit set counts as zero (RFC 2181 §8). */
function clamp(ttl: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, ttl > 0x7fff_ffff ? 0 : ttl));
}
