/** The plugin's settings; defaults and ranges live here only. */
import { Type } from 'typebox';

export const policyConfig = Type.Object(
  {
    denialsKept: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 1000,
      description: 'Denied packets that `weft denials` remembers, the newest.',
    }),
    denialsLogged: Type.Integer({
      minimum: 0,
      maximum: 1000,
      default: 10,
      description: 'Lines per second about denied packets in the log of the plugin, in bursts of ten times as many; 0: none.',
    }),
  },
  { additionalProperties: false },
);
