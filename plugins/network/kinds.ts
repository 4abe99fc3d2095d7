/** The kinds of this plugin: schemas, references and table columns. kernel/contract/net/kinds.ts has the same shapes as types (kinds.test.ts keeps both equal). */
import type { KindSpec } from '@weft/kernel/contract/system';
import { Type } from 'typebox';
import { dhcpOptionsField, domainField, resolverField } from './client-fields.ts';
import {
  addressField,
  bindingField,
  idField,
  linkPhase,
  macField,
  prefixField,
  reasonField,
  referenceField,
  sinceField,
} from './fields.ts';
import { uplinkKind } from './uplink-kind.ts';

const closed = { additionalProperties: false } as const;
const networkPhase = Type.Optional(
  Type.Enum(['Active', 'Pending'], { description: 'Active: the forwarder has it. Pending: it is being programmed.' }),
);

const subnet = Type.Object(
  {
    cidr: prefixField('Prefix with host bits zero, such as 10.1.0.0/24 or 2001:db8:1::/64. Length 8 to 30 for IPv4, 8 to 126 for IPv6.'),
    gateway: Type.Optional(
      addressField(
        "The network's router; every appliance answers for it with the same MAC address. With forwarding l2, a router of the tenant's own. Default: the first host address.",
      ),
    ),
    pool: Type.Optional(
      Type.Object(
        { from: addressField('First address to allocate.'), to: addressField('Last address to allocate.') },
        {
          ...closed,
          description:
            'Addresses that ports get when they name none. Default: every host address of the subnet. Ports may name addresses outside of it.',
        },
      ),
    ),
    dhcp: Type.Boolean({
      description:
        'Clients get leases: by DHCPv4 in an IPv4 subnet; in an IPv6 subnet by DHCPv6, to which router advertisements lead them (bits M and O).',
      default: true,
    }),
    slaac: Type.Optional(
      Type.Boolean({
        description:
          'IPv6 with length 64 only: VMs may take addresses by themselves (RFC 4862), as router advertisements tell them (bit A of the prefix); they are learnt.',
      }),
    ),
    dns: Type.Optional(
      Type.Array(addressField('Address of a resolver.'), {
        description: 'Resolvers given to clients, in order. Default: the gateway, answered by the plugin dns.',
        maxItems: 8,
      }),
    ),
    routes: Type.Optional(
      Type.Array(
        Type.Object({ prefix: prefixField('Destination, canonical.'), nextHop: addressField('Address inside the subnet.') }, closed),
        {
          description: 'Static routes, given to clients; the network itself routes them to the port that has the next hop.',
          maxItems: 64,
        },
      ),
    ),
    dhcpOptions: dhcpOptionsField,
  },
  closed,
);

export const virtualNetworkSpec = Type.Object(
  {
    subnets: Type.Array(subnet, { description: 'Subnets; none may overlap another one of this network.', default: [], maxItems: 64 }),
    forwarding: Type.Enum(['l2', 'l3', 'l2_l3'], {
      description:
        'l2_l3: frames to the gateway are routed, all others bridged. l3: every IP packet is routed, all else dropped. l2: everything is bridged, and there is no gateway.',
      default: 'l2_l3',
    }),
    unknownUnicast: Type.Optional(
      Type.Enum(['drop', 'flood'], {
        description: 'What becomes of frames to a unicast MAC address that nobody is known to have. Default: drop.',
      }),
    ),
    floodRate: Type.Optional(
      Type.Integer({
        description:
          'Frames per second that one port may have flooded (broadcast, multicast, unknown unicast); 0: no limit. Default: the setting floodRate of the plugin.',
        minimum: 0,
        maximum: 10_000_000,
      }),
    ),
    vni: Type.Optional(
      Type.Integer({
        description: 'VXLAN network identifier, unique in the appliance. Default: allocated.',
        minimum: 1,
        maximum: 16_777_215,
      }),
    ),
    underlay: Type.Optional(
      Type.String({
        description:
          'Name of an Uplink: the network is routed natively through it, its ports keep their addresses there. Its subnets must not overlap those of the uplink or of other networks with it.',
        pattern: '^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$',
        maxLength: 63,
      }),
    ),
    domain: Type.Optional(domainField('DNS suffix of its ports.')),
    mtu: Type.Optional(
      Type.Integer({
        description:
          'Largest IP packet in bytes, also told to clients; at least 1280 with an IPv6 subnet. Default: the setting mtu of the plugin.',
        minimum: 576,
        maximum: 9000,
      }),
    ),
    dhcpOptions: dhcpOptionsField,
    resolver: resolverField,
  },
  closed,
);

export const virtualNetworkStatus = Type.Object(
  {
    phase: networkPhase,
    id: idField('Number of the bridge and of the VRF in the forwarder.'),
    vni: idField('VXLAN network identifier in use.'),
    mtu: idField('MTU in use, bytes.'),
    gateways: Type.Array(Type.String(), { description: 'Gateway address of each subnet, in the order of spec.subnets.' }),
  },
  closed,
);

export const portSpec = Type.Object(
  {
    network: referenceField('The VirtualNetwork; it cannot be changed later.'),
    hostname: Type.Optional(
      Type.String({ description: 'DNS label of the VM.', pattern: '^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$', maxLength: 63 }),
    ),
    instanceId: Type.Optional(Type.String({ description: 'UUID of the VM, for the metadata service.', format: 'uuid' })),
    mac: Type.Optional(macField('Unicast MAC address, unique in the network. Default: allocated, 02:….')),
    addresses: Type.Optional(
      Type.Array(addressField('Address inside a subnet of the network.'), {
        description: 'Addresses of the port. Default: one allocated per subnet; an empty list gives none.',
        maxItems: 64,
      }),
    ),
    allowedAddressPairs: Type.Optional(
      Type.Array(
        Type.Object(
          {
            address: prefixField('Address or prefix that the VM may use as well, such as 10.1.0.100 or 2001:db8:9::/64.'),
            mac: Type.Optional(macField("MAC address that goes with it. Default: the port's.")),
          },
          closed,
        ),
        {
          description:
            'Further addresses of the VM. It may send from them, and the network routes to it; ports with the same pair share the traffic.',
          maxItems: 64,
        },
      ),
    ),
    portSecurity: Type.Boolean({
      description:
        "Frames that are not from the port's own addresses or its allowedAddressPairs are dropped (anti-spoofing). Off and without securityGroups the port is open.",
      default: true,
    }),
    securityGroups: Type.Optional(
      Type.Array(referenceField('A SecurityGroup.'), {
        description:
          'Groups whose rules say what the VM may send and what may reach it. Default: the group default of the project; with portSecurity off, none: nothing is asked.',
        maxItems: 64,
      }),
    ),
    host: Type.Optional(
      Type.String({ description: 'The appliance that serves the port. Default: this one; not in this version.', maxLength: 253 }),
    ),
    dhcpOptions: dhcpOptionsField,
    binding: bindingField,
  },
  closed,
);

export const portStatus = Type.Object(
  {
    phase: linkPhase,
    id: idField('Number of the port in the forwarder.'),
    mac: Type.String({ description: 'MAC address in use, lower case.' }),
    addresses: Type.Array(Type.String(), { description: 'Addresses in use, canonical.' }),
    reason: reasonField,
    since: sinceField,
  },
  closed,
);

export const trunkSpec = Type.Object({ binding: bindingField }, closed);

export const trunkStatus = Type.Object(
  { phase: linkPhase, id: idField('Number of the port in the forwarder.'), reason: reasonField, since: sinceField },
  closed,
);

export const logicalRouterSpec = Type.Object(
  {
    networks: Type.Array(referenceField('A VirtualNetwork, in at most one LogicalRouter.'), {
      description: 'Networks that reach each other; their subnets must not overlap.',
      default: [],
      maxItems: 256,
    }),
    external: Type.Optional(
      Type.Object(
        { snatPool: referenceField('A SnatPool: its addresses are what the ports share outside.') },
        { ...closed, description: 'The way out of its networks, for ports without a FloatingIp. Made by the plugin snat.' },
      ),
    ),
  },
  closed,
);

export const logicalRouterStatus = Type.Object({ phase: networkPhase, id: idField('Number of the router.') }, closed);

export const kinds: readonly KindSpec[] = [
  uplinkKind,
  {
    kind: 'VirtualNetwork',
    plural: 'virtual-networks',
    aliases: ['vn', 'network', 'networks'],
    scope: 'project',
    summary: 'A network of a tenant: subnets, a gateway for each, and the ports in it',
    schemaVersion: 1,
    spec: virtualNetworkSpec,
    status: virtualNetworkStatus,
    references: [{ pointer: '/spec/underlay', kind: 'Uplink' }],
    columns: [
      { title: 'SUBNETS', pointer: '/spec/subnets/*/cidr' },
      { title: 'VNI', pointer: '/status/vni' },
      { title: 'PHASE', pointer: '/status/phase' },
      { title: 'GATEWAYS', pointer: '/status/gateways', wide: true },
      { title: 'UNDERLAY', pointer: '/spec/underlay', wide: true },
      { title: 'MTU', pointer: '/status/mtu', wide: true },
      { title: 'ID', pointer: '/status/id', wide: true },
    ],
  },
  {
    kind: 'Trunk',
    plural: 'trunks',
    scope: 'project',
    summary: 'A link that carries ports as VLANs',
    schemaVersion: 1,
    spec: trunkSpec,
    status: trunkStatus,
    references: [],
    columns: [
      { title: 'BINDING', pointer: '/spec/binding/type' },
      { title: 'PHASE', pointer: '/status/phase' },
      { title: 'REASON', pointer: '/status/reason' },
      { title: 'ID', pointer: '/status/id', wide: true },
    ],
  },
  {
    kind: 'Port',
    plural: 'ports',
    scope: 'project',
    summary: "A VM's interface in a network",
    schemaVersion: 1,
    spec: portSpec,
    status: portStatus,
    references: [
      { pointer: '/spec/network', kind: 'VirtualNetwork' },
      { pointer: '/spec/binding/parent', kind: 'Trunk' },
      { pointer: '/spec/securityGroups/*', kind: 'SecurityGroup' },
    ],
    columns: [
      { title: 'NETWORK', pointer: '/spec/network' },
      { title: 'ADDRESSES', pointer: '/status/addresses' },
      { title: 'MAC', pointer: '/status/mac' },
      { title: 'PHASE', pointer: '/status/phase' },
      { title: 'REASON', pointer: '/status/reason' },
      { title: 'GROUPS', pointer: '/spec/securityGroups', wide: true },
      { title: 'BINDING', pointer: '/spec/binding/type', wide: true },
      { title: 'ID', pointer: '/status/id', wide: true },
    ],
  },
  {
    kind: 'LogicalRouter',
    plural: 'logical-routers',
    aliases: ['lr', 'router', 'routers'],
    scope: 'project',
    summary: 'Joins networks: their ports reach each other',
    schemaVersion: 1,
    spec: logicalRouterSpec,
    status: logicalRouterStatus,
    references: [
      { pointer: '/spec/networks/*', kind: 'VirtualNetwork' },
      { pointer: '/spec/external/snatPool', kind: 'SnatPool' },
    ],
    columns: [
      { title: 'NETWORKS', pointer: '/spec/networks' },
      { title: 'EXTERNAL', pointer: '/spec/external/snatPool' },
      { title: 'PHASE', pointer: '/status/phase' },
      { title: 'ID', pointer: '/status/id', wide: true },
    ],
  },
];
