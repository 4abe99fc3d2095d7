/** The plugin's settings; defaults and ranges live here only. */
import { deniedUpstreamsSetting } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';

const count = (value: number, maximum: number, description: string) => Type.Integer({ minimum: 1, maximum, default: value, description });

export const metadataConfig = Type.Object(
  {
    deniedUpstreams: deniedUpstreamsSetting,
    mode: Type.Enum(['builtin', 'none'], { default: 'builtin', description: 'How networks are answered that no Metadata object is for.' }),
    availabilityZone: Type.String({
      default: 'weft-1a',
      pattern: '^[A-Za-z0-9._-]{1,63}$',
      description: 'Zone of VMs whose InstanceData names none; the region is the zone without its last letter.',
    }),
    requestRate: count(500, 1_000_000, 'Requests per second that one port may make; a new connection counts as one.'),
    requestBurst: count(1000, 1_000_000, 'Requests that one port may make at once.'),
    connectionsPerPort: count(32, 1024, 'Connections of one port at a time.'),
    connections: count(4096, 4096, 'Connections of all ports at a time.'),
    pendingPerPort: count(128, 4096, 'Requests of one port that are under way or wait.'),
    headSeconds: count(15, 600, 'Time for the head of a request, from the connection or the answer before.'),
    requestSeconds: count(60, 3600, 'Time for the body of a request and its answer.'),
    proxyBodyMib: count(64, 65_536, 'The largest body of a request that goes to Nova, MiB.'),
    proxySockets: count(128, 1024, 'Connections to the Nova of one Metadata object.'),
    cacheMib: count(32, 1024, 'Answers kept ready, MiB.'),
  },
  { additionalProperties: false },
);

export type MetadataConfig = Static<typeof metadataConfig>;
