/** The kinds of this plugin: schemas, references and table columns. */
import type { KindSpec, WeftObject } from '@weft/kernel/contract/system';
import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false } as const;
const namePart = '[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?';
const ownReference = (description: string) => Type.String({ description, pattern: `^${namePart}$`, maxLength: 63 });
const sharedReference = (description: string) => Type.String({ description, pattern: `^(?:${namePart}/)?${namePart}$`, maxLength: 127 });
const shortText = (description: string) => Type.String({ description, pattern: '^[\\x21-\\x7e]{1,255}$' });

/** Bytes of user data, after decoding. Nova takes 65,535. */
export const largestUserData = 65_536;

const nova = Type.Object(
  {
    url: Type.String({
      description: 'Nova’s metadata API, such as http://192.0.2.10:8775. The appliance itself must reach it.',
      pattern: '^https?://[\\x21-\\x7e]+$',
      maxLength: 1024,
    }),
    secretRef: sharedReference('A Secret: `secret` is Nova’s metadata_proxy_shared_secret.'),
    caRef: Type.Optional(sharedReference('A Secret: `ca` holds certificates (PEM) that vouch for Nova’s. Default: those that Node knows.')),
    clientCertificateRef: Type.Optional(sharedReference('A Secret: `certificate` and `key` (PEM), shown to Nova.')),
    timeoutMs: Type.Optional(
      Type.Integer({
        description: 'How long Nova may take to begin its answer, or to go on with it. Default 10,000.',
        minimum: 100,
        maximum: 300_000,
      }),
    ),
  },
  { ...closed, description: 'Where mode proxy leads to.' },
);

const metadataSpec = Type.Object(
  {
    scope: Type.Object(
      {
        network: Type.Optional(
          ownReference('A VirtualNetwork of this project. Default: all networks of the project that have no Metadata of their own.'),
        ),
      },
      { ...closed, description: 'The networks that it is for.', default: {} },
    ),
    mode: Type.Enum(['builtin', 'proxy', 'none'], {
      description: 'builtin: answers made of Port and InstanceData. proxy: those of a Nova metadata API. none: connections are refused.',
      default: 'builtin',
    }),
    nova: Type.Optional(nova),
    requireToken: Type.Boolean({
      description: 'Answer only who presents a token of PUT /latest/api/token, as IMDSv2 does. OpenStack’s clients know no tokens.',
      default: false,
    }),
  },
  closed,
);

const metadataStatus = Type.Object(
  {
    phase: Type.Optional(
      Type.Enum(['Active', 'Degraded'], {
        description: 'Degraded: VMs do not get what they should, see reason. Active: nothing is known to be wrong.',
      }),
    ),
    reason: Type.String({ description: 'Why the phase is not Active; empty when it is.' }),
    since: Type.String({ description: 'When phase or reason changed last, RFC 3339.', format: 'date-time' }),
  },
  closed,
);

const freeObject = (description: string) =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', additionalProperties: true, description });

const instanceDataSpec = Type.Object(
  {
    port: ownReference('The Port of this project that it is for.'),
    userData: Type.Optional(
      Type.String({ description: 'User data as text, such as a #cloud-config; at most 64 KiB.', maxLength: largestUserData }),
    ),
    userDataBase64: Type.Optional(
      Type.String({
        description:
          'User data as base64 (RFC 4648 §4), for bytes such as gzip, which pass as they are; in place of userData, at most 64 KiB decoded.',
        pattern: '^[A-Za-z0-9+/]*={0,2}$',
        maxLength: 87_384,
      }),
    ),
    keys: Type.Array(Type.String({ pattern: '^[\\x20-\\x7e\\u00a0-\\uffff]+$', maxLength: 16_384 }), {
      description: 'Public SSH keys, each a line as in authorized_keys; the comment is its name.',
      maxItems: 64,
      default: [],
    }),
    metaData: Type.Unsafe<Readonly<Record<string, string>>>({
      type: 'object',
      propertyNames: { pattern: '^[A-Za-z0-9._:-]{1,255}$' },
      additionalProperties: { type: 'string', maxLength: 1024 },
      maxProperties: 128,
      default: {},
      description: 'Texts by name: `meta` in meta_data.json, instance tags for EC2.',
    }),
    vendorData: Type.Optional(freeObject('vendor_data.json: what the provider adds for cloud-init, under `cloud-init`. At most 64 KiB.')),
    networkData: Type.Optional(freeObject('network_data.json in place of the one made of Port and VirtualNetwork. At most 64 KiB.')),
    availabilityZone: Type.Optional(shortText('Default: the setting availabilityZone.')),
    instanceType: Type.Optional(shortText('EC2 instance type, or the flavor’s name. Default: weft.port.')),
    imageId: Type.Optional(shortText('EC2 ami-id. Default: ami-00000000.')),
  },
  closed,
);

export type Metadata = WeftObject<Static<typeof metadataSpec>, Partial<Static<typeof metadataStatus>>>;
export type InstanceData = WeftObject<Static<typeof instanceDataSpec>, object>;
export type NovaSpec = Static<typeof nova>;

export const kinds: readonly KindSpec[] = [
  {
    kind: 'Metadata',
    plural: 'metadata',
    scope: 'project',
    summary: 'How VMs of a network, or of a whole project, are told who they are',
    schemaVersion: 1,
    spec: metadataSpec,
    status: metadataStatus,
    references: [
      { pointer: '/spec/scope/network', kind: 'VirtualNetwork' },
      { pointer: '/spec/nova/secretRef', kind: 'Secret' },
      { pointer: '/spec/nova/caRef', kind: 'Secret' },
      { pointer: '/spec/nova/clientCertificateRef', kind: 'Secret' },
    ],
    columns: [
      { title: 'NETWORK', pointer: '/spec/scope/network' },
      { title: 'MODE', pointer: '/spec/mode' },
      { title: 'PHASE', pointer: '/status/phase' },
      { title: 'REASON', pointer: '/status/reason' },
      { title: 'URL', pointer: '/spec/nova/url', wide: true },
    ],
  },
  {
    kind: 'InstanceData',
    plural: 'instance-data',
    scope: 'project',
    summary: 'What the built-in metadata service tells one VM beside addresses: user data, keys, texts',
    schemaVersion: 1,
    spec: instanceDataSpec,
    status: Type.Object({}, closed),
    references: [{ pointer: '/spec/port', kind: 'Port' }],
    columns: [
      { title: 'PORT', pointer: '/spec/port' },
      { title: 'TYPE', pointer: '/spec/instanceType', wide: true },
    ],
  },
];
