/** The plugin's settings. */
import { type Static, Type } from 'typebox';

export const config = Type.Object(
  {
    mtu: Type.Integer({ description: 'MTU in bytes of networks that name none.', default: 1500, minimum: 576, maximum: 9000 }),
    firstVni: Type.Integer({ description: 'Lowest VNI to allocate.', default: 5001, minimum: 1, maximum: 16_777_215 }),
    floodRate: Type.Integer({
      description:
        'Frames per second that one port may have flooded (broadcast, multicast, unknown unicast) in networks that name no floodRate; 0: no limit.',
      default: 1000,
      minimum: 0,
      maximum: 10_000_000,
    }),
  },
  { additionalProperties: false },
);

export type NetworkConfig = Static<typeof config>;
