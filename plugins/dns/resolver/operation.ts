/** `weft upstreams`: what is known of the name servers of the outside. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import type { OperationSpec } from '@weft/kernel/contract/system';
import type { ObjectCache, OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import type { Fleet } from './fleet.ts';
import type { Denied } from './partitions.ts';
import { formatUpstream, parseUpstream, type Upstream } from './upstream.ts';

const closed = { additionalProperties: false };
const count = (description: string) => Type.Integer({ description });

const item = Type.Object({
  project: Type.String({
    description: 'Project of the network; empty: the plugin’s own list, for all networks without upstreams of their own',
  }),
  network: Type.String({ description: 'VirtualNetwork that names the upstream' }),
  upstream: Type.String({ description: 'ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT' }),
  state: Type.String({
    description:
      'up; unknown: not asked yet; suspect: questions in a row went unanswered, being probed; down: probed until it answers again; denied: never asked',
  }),
  rttMs: Type.Optional(Type.Number({ description: 'Smoothed time from question to answer, milliseconds' })),
  sent: count('Queries to this address, of all networks'),
  failures: count('Questions that it did not answer or answered with an error'),
  truncated: count('Replies that did not fit UDP and were asked for again over TCP'),
  tcp: count('Queries over TCP'),
  edns: Type.Boolean({ description: 'false: it does not understand EDNS and is asked without' }),
  mixedCase: Type.Boolean({
    description: 'false: it does not keep the case of names, so a random case does not guard against forged replies',
  }),
  lastError: Type.String({ description: 'What went wrong last, or why it is denied' }),
});

export const upstreamsOperation: OperationSpec = {
  name: 'upstreams',
  summary: 'Show the name servers of the outside: whether they answer, how fast, and what went wrong.',
  stream: false,
  input: Type.Object({ network: Type.Optional(Type.String({ description: 'Only the upstreams of this VirtualNetwork' })) }, closed),
  output: Type.Object({
    items: Type.Array(item, { description: 'The plugin’s own list, then those of networks, each in order of preference' }),
  }),
  cli: {
    verb: 'upstreams',
    columns: [
      { title: 'PROJECT', pointer: '/project' },
      { title: 'NETWORK', pointer: '/network' },
      { title: 'UPSTREAM', pointer: '/upstream' },
      { title: 'STATE', pointer: '/state' },
      { title: 'RTT MS', pointer: '/rttMs' },
      { title: 'SENT', pointer: '/sent' },
      { title: 'FAILED', pointer: '/failures' },
      { title: 'TRUNCATED', pointer: '/truncated' },
      { title: 'TCP', pointer: '/tcp' },
      { title: 'LAST ERROR', pointer: '/lastError' },
    ],
  },
  bundle: true,
};

type Item = Static<typeof item>;

interface Shown {
  /** The plugin's own list. */
  readonly upstreams: () => readonly Upstream[];
  readonly denied: Denied;
  readonly objects: Pick<ObjectCache, 'list'>;
  readonly now: () => number;
}

const neverAsked = {
  ...{ state: 'denied', sent: 0, failures: 0, truncated: 0, tcp: 0, edns: true, mixedCase: true },
  lastError: 'denied by the setting deniedUpstreams of the plugin',
};

/** The operation's handler. */
export function showUpstreams(fleet: Fleet, { upstreams, denied, objects, now }: Shown) {
  const rowOf = (project: string, network: string, upstream: Upstream): Item => {
    if (network !== '' && denied(upstream)) return { project, network, upstream: formatUpstream(upstream), ...neverAsked };
    const health = fleet.of(upstream);
    const { edns, mixCase } = health.manner(now());
    const { state, rttMs, sent, failures, truncated, tcp, lastError } = health;
    return {
      ...{ project, network, upstream: formatUpstream(upstream), state },
      ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs * 10) / 10 }),
      ...{ sent, failures, truncated, tcp, edns, mixedCase: mixCase, lastError },
    };
  };
  return (input: { readonly network?: string }, { project, projects }: Pick<OperationCall, 'project' | 'projects'>): { items: Item[] } => {
    const shown = objects
      .list<VirtualNetwork>('VirtualNetwork', project === '-' ? undefined : project)
      .filter(({ metadata }) => projects?.includes(metadata.project ?? '') !== false)
      .filter(({ metadata }) => input.network === undefined || metadata.name === input.network);
    const ofNetworks = shown.flatMap(({ metadata, spec }) =>
      (spec.resolver?.upstreams ?? [])
        .flatMap((text) => parseUpstream(text) ?? [])
        .map((upstream) => rowOf(metadata.project ?? '', metadata.name, upstream)),
    );
    const own = input.network === undefined ? upstreams().map((upstream) => rowOf('', '', upstream)) : [];
    return { items: [...own, ...ofNetworks] };
  };
}
