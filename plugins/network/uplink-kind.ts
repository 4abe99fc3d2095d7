/** The kind Uplink: schemas, references and table columns, as kinds.ts has those of the others. */
import type { KindSpec } from '@weft/kernel/contract/system';
import { Type } from 'typebox';
import { addressField, idField, linkPhase, prefixField, reasonField, sinceField, uplinkBindingField } from './fields.ts';

const closed = { additionalProperties: false } as const;
/** Of one uplink; numbers of gateways in the forwarder go far beyond. */
const mostGateways = 16;

export const uplinkSpec = Type.Object(
  {
    binding: uplinkBindingField,
    addresses: Type.Array(
      prefixField(
        'The own address with the length of its subnet, such as 192.0.2.1/24 or 2001:db8::1/64: 8 to 31 for IPv4, 8 to 127 for IPv6.',
      ),
      {
        description: "The appliance's own addresses there, and with them the subnets that are reached directly.",
        minItems: 1,
        maxItems: 64,
      },
    ),
    gateways: Type.Optional(
      Type.Array(addressField('Address of a router in one of the subnets, or an IPv6 link-local one.'), {
        description:
          'Routers to everywhere else. Those of one family share the traffic (ECMP); one that does not answer any more is left out until it does.',
        maxItems: mostGateways,
      }),
    ),
    vlan: Type.Optional(
      Type.Integer({ description: '802.1Q VLAN ID on the link, 1 to 4094; 0: untagged. Default: 0.', minimum: 0, maximum: 4094 }),
    ),
    mtu: Type.Optional(
      Type.Integer({
        description: 'Largest IP packet in bytes; at least 1280 with IPv6. Default: the setting mtu of the plugin.',
        minimum: 576,
        maximum: 9000,
      }),
    ),
    allowedPrefixes: Type.Optional(
      Type.Array(prefixField('A prefix, such as 192.0.2.0/24 or 2001:db8:ffff::/48.'), {
        description:
          "What projects may use here: addresses of their SnatPools and FloatingIps, and subnets of networks with this underlay, lie in one of these prefixes. Pools of the word host need none. Default: any address that is nobody else's; set it where projects do not trust each other.",
        maxItems: 256,
      }),
    ),
  },
  closed,
);

export const uplinkStatus = Type.Object(
  {
    phase: linkPhase,
    id: idField('Number of its port in the forwarder.'),
    network: idField('Number of its bridge and its VRF in the forwarder.'),
    trunk: Type.Optional(idField('With a vlan: number of the port that carries it.')),
    mac: Type.String({ description: "The appliance's own MAC address there, lower case; empty until it is known." }),
    gateways: Type.Array(
      Type.Object(
        {
          address: Type.String({ description: 'Address of the router, canonical.' }),
          reachable: Type.Boolean({ description: 'It answers ARP or neighbour discovery.' }),
        },
        closed,
      ),
      { description: 'The routers, in the order of spec.gateways.' },
    ),
    reason: reasonField,
    since: sinceField,
  },
  closed,
);

export const uplinkKind: KindSpec = {
  kind: 'Uplink',
  plural: 'uplinks',
  scope: 'system',
  summary: 'The underlay side of the appliance: a link to upstream routers',
  schemaVersion: 1,
  spec: uplinkSpec,
  status: uplinkStatus,
  references: [],
  columns: [
    { title: 'ADDRESSES', pointer: '/spec/addresses' },
    { title: 'GATEWAYS', pointer: '/status/gateways/*/address' },
    { title: 'REACHABLE', pointer: '/status/gateways/*/reachable' },
    { title: 'PHASE', pointer: '/status/phase' },
    { title: 'REASON', pointer: '/status/reason' },
    { title: 'BINDING', pointer: '/spec/binding/type', wide: true },
    { title: 'VLAN', pointer: '/spec/vlan', wide: true },
    { title: 'MAC', pointer: '/status/mac', wide: true },
    { title: 'ID', pointer: '/status/id', wide: true },
  ],
};
