/** The plugin's settings; defaults and ranges live here only. */
import { deniedUpstreamsSetting } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';

const count = (value: number, maximum: number, description: string) => Type.Integer({ minimum: 1, maximum, default: value, description });

export const linkLocalConfig = Type.Object(
  {
    deniedUpstreams: deniedUpstreamsSetting,
    maxSessions: count(2048, 3500, 'TCP connections and UDP sessions at once, in all.'),
    maxPerPort: count(128, 3500, 'The same for one port.'),
    connectTimeoutMs: count(
      3000,
      60_000,
      'How long an upstream may take to accept a connection, milliseconds; then the next one is asked.',
    ),
    tcpIdleSeconds: count(3600, 86_400, 'A connection without a byte for so long is closed.'),
    udpIdleSeconds: count(60, 3600, 'A UDP session without a datagram for so long is forgotten.'),
  },
  { additionalProperties: false },
);

export type LinkLocalConfig = Static<typeof linkLocalConfig>;
