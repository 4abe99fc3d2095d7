/** The kinds of this plugin: schemas, references and table columns. kernel/contract/net/nat-kinds.ts has the same shapes as types (kinds.test.ts keeps both equal). */
import type { KindSpec } from '@weft/kernel/contract/system';
import { Type } from 'typebox';

const closed = { additionalProperties: false } as const;
// Loose on purpose: admission reads the numbers, and says more about a wrong one than a pattern can.
const addressField = (description: string) => Type.String({ description, pattern: '^[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?$', maxLength: 49 });
const nameField = (description: string) =>
  Type.String({ description, pattern: '^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$', minLength: 1, maxLength: 63 });
const behaviours = ['endpoint-independent', 'address-and-port-dependent'] as const;
const uplinkField = Type.Optional(
  nameField(
    'The Uplink whose side the address is on. Default: the one with a subnet that holds it, or the only one there is. Once decided it stays while that Uplink is there and allows the address.',
  ),
);
const phaseField = Type.Optional(
  Type.Enum(['Active', 'Pending'], { description: 'Active: the forwarder translates by it. Pending: not, or not yet; see reason.' }),
);
const uplinkStatusField = Type.String({ description: 'The Uplink behind which it is; empty when there is none.' });

export const snatPoolSpec = Type.Object(
  {
    addresses: Type.Array(
      Type.String({
        description: 'An outside address, no prefix, or the word host.',
        pattern: '^(?:host|[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?)$',
        maxLength: 49,
      }),
      {
        description:
          "Outside addresses that ports of VMs share, of either IP version; the uplink answers for them. Or the one word host: the uplink's own addresses, which the host goes on using.",
        minItems: 1,
        maxItems: 256,
      },
    ),
    ports: Type.String({
      description: 'First and last outside port that is given out of each address; with ICMP: identifier.',
      pattern: '^[0-9]{1,5}-[0-9]{1,5}$',
      default: '1024-65535',
    }),
    blockSize: Type.Integer({
      description: 'Outside ports that a port of a VM gets at a time: a power of two. Blocks are logged, connections are not.',
      minimum: 64,
      maximum: 16_384,
      default: 512,
    }),
    maxBlocksPerPort: Type.Integer({
      description: 'Blocks that one port may have at a time: who needs more harms nobody else.',
      minimum: 1,
      maximum: 1024,
      default: 8,
    }),
    uplink: uplinkField,
    mapping: Type.Enum(behaviours, {
      description:
        'endpoint-independent: an inside address and port keeps one outside port for all remotes. address-and-port-dependent: one for each remote (RFC 4787 §4.1).',
      default: 'endpoint-independent',
    }),
    filtering: Type.Enum(behaviours, {
      description:
        'endpoint-independent: any remote may answer to an outside port in use. address-and-port-dependent: only one that was sent to (RFC 4787 §5).',
      default: 'endpoint-independent',
    }),
    tcpPortReuse: Type.Boolean({
      description: 'A port whose blocks are used up shares outside TCP ports among connections to different remotes.',
      default: true,
    }),
  },
  closed,
);

export const snatPoolStatus = Type.Object(
  {
    phase: phaseField,
    id: Type.Integer({ description: 'Number of the pool in rows of the forwarder.', minimum: 1, maximum: 0xffff_ffff }),
    uplink: uplinkStatusField,
    assignments: Type.Array(
      Type.Object(
        {
          address: Type.String({ description: 'Outside address, canonical.' }),
          appliance: Type.String({ description: 'Host name of the appliance that has all of its ports: one at a time.' }),
        },
        closed,
      ),
      { description: 'Which appliance has which address.' },
    ),
    reason: Type.String({ description: 'Why it is not Active, or which addresses are left out; empty when all is well.' }),
  },
  closed,
);

export const floatingIpSpec = Type.Object(
  {
    address: addressField('The outside address, no prefix; the uplink answers for it.'),
    target: Type.Object(
      {
        port: nameField('The Port of the project that it stands for.'),
        address: Type.Optional(
          addressField('Address of the port, of the same IP version; also one of its allowedAddressPairs. Default: its first one.'),
        ),
      },
      { ...closed, description: 'Whom it leads to. One address inside may have several.' },
    ),
    uplink: uplinkField,
  },
  closed,
);

export const floatingIpStatus = Type.Object(
  {
    phase: phaseField,
    uplink: uplinkStatusField,
    inside: Type.String({ description: 'Address of the port that it stands for; empty when there is none.' }),
    reason: Type.String({ description: 'Why it is not Active; empty when it is.' }),
  },
  closed,
);

export const kinds: readonly KindSpec[] = [
  {
    kind: 'SnatPool',
    plural: 'snat-pools',
    aliases: ['pool', 'pools'],
    scope: 'project',
    summary: 'Outside addresses that the VMs of networks share on their way out: a LogicalRouter names it as external.snatPool',
    schemaVersion: 1,
    spec: snatPoolSpec,
    status: snatPoolStatus,
    references: [{ pointer: '/spec/uplink', kind: 'Uplink' }],
    columns: [
      { title: 'ADDRESSES', pointer: '/spec/addresses' },
      { title: 'PORTS', pointer: '/spec/ports' },
      { title: 'UPLINK', pointer: '/status/uplink' },
      { title: 'PHASE', pointer: '/status/phase' },
      { title: 'REASON', pointer: '/status/reason' },
      { title: 'BLOCK', pointer: '/spec/blockSize', wide: true },
      { title: 'ID', pointer: '/status/id', wide: true },
    ],
  },
  {
    kind: 'FloatingIp',
    plural: 'floating-ips',
    aliases: ['fip', 'fips'],
    scope: 'project',
    summary: 'An outside address that stands for one of a port, one to one, in both directions',
    schemaVersion: 1,
    spec: floatingIpSpec,
    status: floatingIpStatus,
    references: [
      { pointer: '/spec/target/port', kind: 'Port' },
      { pointer: '/spec/uplink', kind: 'Uplink' },
    ],
    columns: [
      { title: 'ADDRESS', pointer: '/spec/address' },
      { title: 'PORT', pointer: '/spec/target/port' },
      { title: 'INSIDE', pointer: '/status/inside' },
      { title: 'UPLINK', pointer: '/status/uplink' },
      { title: 'PHASE', pointer: '/status/phase' },
      { title: 'REASON', pointer: '/status/reason' },
    ],
  },
];
