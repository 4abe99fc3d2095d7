/** The plugin's settings; defaults and ranges live here only. */
import { type Static, Type } from 'typebox';

export const snatConfig = Type.Object(
  {
    maxAddresses: Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: 16,
      description: "Addresses that all SnatPools together may have; the forwarder's nat.addresses must be as many.",
    }),
    logDays: Type.Integer({
      minimum: 1,
      maximum: 3650,
      default: 90,
      description: 'Days for which the block log is kept: who had which outside ports.',
    }),
    logMib: Type.Integer({
      minimum: 1,
      maximum: 65_536,
      default: 512,
      description: 'Size of the block log, MiB; what is oldest goes first. Half as much again must fit into stateMib of the plugin.',
    }),
  },
  { additionalProperties: false },
);

export type SnatConfig = Static<typeof snatConfig>;
