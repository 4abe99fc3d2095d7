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
    raIntervalSeconds: Type.Integer({
      minimum: 4,
      maximum: 1800,
      default: 600,
      description:
        'Longest time between router advertisements to a port, in seconds (MaxRtrAdvInterval); router and resolvers hold for three times this.',
    }),
    prefixValidSeconds: Type.Integer({
      minimum: 60,
      maximum: 31_536_000,
      default: 86_400,
      description: 'How long addresses that hosts form in an advertised prefix stay valid after the last advertisement, in seconds.',
    }),
    prefixPreferredSeconds: Type.Integer({
      minimum: 60,
      maximum: 31_536_000,
      default: 14_400,
      description: 'How long such addresses are used for new connections, in seconds; never longer than they are valid.',
    }),
  },
  { additionalProperties: false },
);

export type DhcpConfig = Static<typeof dhcpConfig>;
