/** The plugin's settings; defaults and ranges live here only. */
import { deniedUpstreamsSetting, fail } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { parseUpstream, type Upstream } from './resolver/upstream.ts';

// Loose on purpose: what is refused here is refused before the plugin runs; configuredUpstreams reads the numbers.
const upstreamField = Type.String({
  pattern: '^(\\[[0-9A-Fa-f:.]+(%\\w+)?\\]|[0-9A-Fa-f:.]+(%\\w+)?)(:\\d{1,5})?$',
  description: 'ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT.',
});
const seconds = (value: number, maximum: number, description: string) => Type.Integer({ minimum: 0, maximum, default: value, description });

export const dnsConfig = Type.Object(
  {
    upstreams: Type.Optional(
      Type.Array(upstreamField, {
        maxItems: 8,
        description:
          'Name servers for all other names, asked in this order: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT. Default: those of the host. They may be anywhere: deniedUpstreams counts for those that networks name.',
      }),
    ),
    deniedUpstreams: deniedUpstreamsSetting,
    timeoutMs: Type.Integer({ minimum: 50, maximum: 10_000, default: 1000, description: 'How long one upstream may take, milliseconds.' }),
    hedgeMs: Type.Integer({
      minimum: 20,
      maximum: 10_000,
      default: 300,
      description:
        'After so long without an answer the next upstream is asked as well, milliseconds; later where an upstream is usually slow.',
    }),
    rounds: Type.Integer({ minimum: 1, maximum: 5, default: 2, description: 'How often the list of upstreams is gone through.' }),
    recordOrder: Type.Enum(['fixed', 'random', 'round-robin'], {
      default: 'random',
      description: 'Order of several records of one name and type, for networks that say nothing else in resolver.recordOrder.',
    }),
    responsesPerSecond: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 1000,
      description:
        'Answers that one port gets per second. Over UDP every second question beyond it gets an empty, truncated answer and the others none; over TCP they wait, and an answer counts once for each 1,232 bytes. 0: no limit.',
    }),
    responseBurst: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 1000,
      description: 'Answers that one port may get at once before responsesPerSecond counts.',
    }),
    tcpConnections: Type.Integer({
      minimum: 1,
      maximum: 3072,
      default: 512,
      description: 'TCP connections in all; a new one then takes the place of the oldest of the port that has most.',
    }),
    tcpConnectionsPerPort: Type.Integer({ minimum: 1, maximum: 1024, default: 32, description: 'TCP connections of one port.' }),
    tcpIdleSeconds: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 10,
      description: 'A TCP connection without a whole question for so long is closed.',
    }),
    recordsPerNetwork: Type.Integer({ minimum: 0, maximum: 100_000, default: 2000, description: 'DnsRecord objects of one network.' }),
    recordBytesPerNetwork: Type.Integer({
      minimum: 0,
      maximum: 67_108_864,
      default: 1_048_576,
      description: 'Bytes of data that they hold together.',
    }),
    ttlSeconds: seconds(60, 86_400, 'Time to live of names of ports, and of DnsRecords that name none.'),
    negativeTtlSeconds: seconds(10, 3600, 'How long clients may remember that a port has no such name.'),
    cacheEntries: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 10_000, description: 'Answers of upstreams kept at most.' }),
    cacheMib: Type.Integer({ minimum: 1, maximum: 1024, default: 32, description: 'Memory that these answers may take, MiB.' }),
    cacheMinSeconds: seconds(0, 300, 'Upstream answers live at least so long, whatever they say.'),
    cacheMaxSeconds: seconds(86_400, 604_800, 'Upstream answers live at most so long.'),
    cacheNegativeMaxSeconds: seconds(900, 10_800, 'The same for "no such name" (RFC 2308).'),
    staleSeconds: seconds(
      86_400,
      604_800,
      'How long after their end answers are still given when no upstream answers in time (RFC 8767); 0: never.',
    ),
    failureSeconds: Type.Integer({
      minimum: 1,
      maximum: 300,
      default: 5,
      description: 'How long at most a question that no upstream could answer is answered with SERVFAIL without asking again (RFC 9520).',
    }),
    maxPerPort: Type.Integer({ minimum: 1, maximum: 1024, default: 64, description: 'Questions to upstreams under way for one port.' }),
    maxInFlight: Type.Integer({
      minimum: 1,
      maximum: 4096,
      default: 512,
      description: 'Questions to upstreams under way in all: one socket each. A network may have as many as there is room left.',
    }),
  },
  { additionalProperties: false },
);

export type DnsConfig = Static<typeof dnsConfig>;

/** The configured upstreams; undefined when none are. Throws INVALID naming the entry. */
export function configuredUpstreams(config: DnsConfig): readonly Upstream[] | undefined {
  return config.upstreams?.map((text, index) => {
    const upstream = parseUpstream(text);
    if (upstream !== undefined) return upstream;
    throw fail(
      'INVALID',
      `setting /upstreams/${index} of plugin dns is ${JSON.stringify(text)}`,
      'write ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT',
    );
  });
}
