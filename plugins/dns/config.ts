/** The plugin's settings; defaults and ranges live here only. */
import { fail } from '@weft/kernel/sdk';
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
          'Name servers for all other names, asked in this order: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT. Default: those of the host.',
      }),
    ),
    timeoutMs: Type.Integer({ minimum: 50, maximum: 10_000, default: 1000, description: 'How long one upstream may take, milliseconds.' }),
    rounds: Type.Integer({ minimum: 1, maximum: 5, default: 2, description: 'How often the list of upstreams is gone through.' }),
    ttlSeconds: seconds(60, 86_400, 'Time to live of names of ports.'),
    negativeTtlSeconds: seconds(10, 3600, 'How long clients may remember that a port has no such name.'),
    cacheEntries: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 10_000, description: 'Answers of upstreams kept at most.' }),
    cacheMinSeconds: seconds(0, 300, 'Upstream answers live at least so long, whatever they say.'),
    cacheMaxSeconds: seconds(86_400, 604_800, 'Upstream answers live at most so long.'),
    cacheNegativeMaxSeconds: seconds(900, 10_800, 'The same for "no such name" (RFC 2308).'),
    maxPerPort: Type.Integer({ minimum: 1, maximum: 1024, default: 64, description: 'Questions to upstreams under way for one port.' }),
    maxInFlight: Type.Integer({
      minimum: 1,
      maximum: 4096,
      default: 512,
      description: 'Questions to upstreams under way in all: one socket each.',
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
