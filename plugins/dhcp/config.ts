/** The plugin's settings; defaults and ranges live here only. */
import { type Static, Type } from 'typebox';

export const dhcpConfig = Type.Object(
  {
    leaseSeconds: Type.Integer({
      minimum: 60,
      maximum: 31_536_000,
      default: 3600,
      description: 'Lease time in seconds. Clients renew after half of it, so changed options reach them within that time.',
    }),
  },
  { additionalProperties: false },
);

export type DhcpConfig = Static<typeof dhcpConfig>;
