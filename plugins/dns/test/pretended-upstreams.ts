/** Upstreams without sockets: a function says what each does with a query. */
import { buildDns, type DnsMessage, parseDns, type Question, type ResourceRecord } from '../message/codec.ts';
import { addressData, nameData, soaData } from '../message/rdata.ts';
import type { Exchange, Transports } from '../resolver/exchange.ts';
import { formatUpstream, parseUpstream, type Upstream } from '../resolver/upstream.ts';
import { PretendedClock } from './pretended-clock.ts';

export interface Heard {
  readonly upstream: string;
  readonly tcp: boolean;
  readonly query: DnsMessage;
  readonly at: number;
}

/** A reply's fields, the bytes of one, or why there is none: 'silent' takes the whole time. */
type Said = Partial<DnsMessage> | Buffer | string;
export type Behaviour = (heard: Heard) => Said | Promise<Said>;

export const upstreamsOf = (...texts: string[]): readonly Upstream[] => texts.flatMap((text) => parseUpstream(text) ?? []);

export function pretendedUpstreams(behaviour: Behaviour, clock = new PretendedClock()) {
  const heard: Heard[] = [];
  const exchange =
    (tcp: boolean): Exchange =>
    async (upstream, bytes, timeoutMs, accept) => {
      const one = { upstream: formatUpstream(upstream), tcp, query: parseDns(bytes), at: clock.now() };
      heard.push(one);
      const late = clock.sleep(timeoutMs).then(() => 'timeout');
      const said = await Promise.race([late, Promise.resolve(behaviour(one)).then((what) => (what === 'silent' ? late : what))]);
      if (typeof said === 'string') return { ok: false, reason: said };
      const value = accept(Buffer.isBuffer(said) ? said : buildDns({ ...one.query, response: true, ...said }));
      if (value !== undefined) return { ok: true, value };
      await late;
      return { ok: false, reason: 'timeout' };
    };
  const transports: Transports = { udp: exchange(false), tcp: exchange(true) };
  return { heard, clock, transports };
}

export const question = (name: string, type = 1): Question => ({ name: name === '.' ? [] : name.split('.'), type, class: 1 });

export const record = (name: string, type: number, ttl: number, data: Buffer): ResourceRecord => ({ ...question(name, type), ttl, data });
export const a = (name: string, ttl: number, address = '192.0.2.80') => record(name, 1, ttl, addressData(address));
export const aaaa = (name: string, ttl: number, address = '2001:db8::80') => record(name, 28, ttl, addressData(address));
export const cname = (name: string, ttl: number, target: string) => record(name, 5, ttl, nameData(target.split('.')));

export function soa(name: string, ttl: number, minimumSeconds: number): ResourceRecord {
  const times = { refreshSeconds: 1, retrySeconds: 1, expireSeconds: 1, minimumSeconds };
  return record(name, 6, ttl, soaData({ primary: [], mailbox: [], serial: 1, ...times }));
}

/** Answers any question with an address; probes with nothing. */
export function withAddress({ query }: Heard, ttl = 20): Partial<DnsMessage> {
  return {
    answers: query.questions.filter(({ type }) => type === 1).map((asked) => ({ ...asked, ttl, data: Buffer.from([192, 0, 2, 80]) })),
  };
}

export const isProbe = ({ query }: Heard): boolean => query.questions[0]?.type === 2 && query.questions[0].name.length === 0;
