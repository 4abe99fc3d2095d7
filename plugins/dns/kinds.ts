/** The kind of this plugin: records that users add to the names of ports. */
import type { KindSpec, WeftObject } from '@weft/kernel/contract/system';
import { Type } from 'typebox';

const closed = { additionalProperties: false } as const;

export const dnsRecordTypes = ['A', 'AAAA', 'CNAME', 'MX', 'PTR', 'SRV', 'TXT'] as const;
export type DnsRecordType = (typeof dnsRecordTypes)[number];

export interface DnsRecordSpec {
  /** In the project of the record. */
  readonly network: string;
  readonly name: string;
  readonly type: DnsRecordType;
  readonly ttl?: number;
  readonly data: readonly string[];
}

export interface DnsRecordStatus {
  readonly fqdn?: string;
  readonly reason?: string;
}

export type DnsRecord = WeftObject<DnsRecordSpec, DnsRecordStatus>;

const spec = Type.Object(
  {
    network: Type.String({
      description:
        'The VirtualNetwork whose names it belongs to, of the same project. Its ports see the record, and those that a LogicalRouter joins with it.',
      pattern: '^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$',
      maxLength: 63,
    }),
    name: Type.String({
      description:
        "Owner: below the network's domain, such as www or _sip._tcp; @ is the domain itself; *.apps stands for all names below apps that are not there (RFC 4592). With a dot at the end it is the whole name, in the domain. PTR also takes an address of the network.",
      pattern: '^(?:@|\\*|[A-Za-z0-9_*:.-]+)$',
      maxLength: 254,
    }),
    type: Type.Enum([...dnsRecordTypes], { description: 'Type of the record.' }),
    ttl: Type.Optional(
      Type.Integer({
        description: 'How long others may keep it, seconds. Default: the setting ttlSeconds of the plugin.',
        minimum: 0,
        maximum: 604_800,
      }),
    ),
    data: Type.Array(Type.String({ description: 'One record.', maxLength: 4096 }), {
      description:
        'What it holds, one entry for each record. A, AAAA: ADDRESS. CNAME, PTR: NAME. MX: PREFERENCE NAME. SRV: PRIORITY WEIGHT PORT NAME. TXT: any text. NAME is a whole one with a dot at its end, one label below the domain, or @.',
      minItems: 1,
      maxItems: 64,
    }),
  },
  closed,
);

const status = Type.Object(
  {
    fqdn: Type.Optional(Type.String({ description: 'The whole name of its owner.' })),
    reason: Type.Optional(Type.String({ description: 'Why it is not answered, after a change of the network; empty when it is.' })),
  },
  closed,
);

export const kinds: readonly KindSpec[] = [
  {
    kind: 'DnsRecord',
    plural: 'dns-records',
    aliases: ['record', 'records'],
    scope: 'project',
    summary: 'Records of one name and type in the domain of a network',
    schemaVersion: 1,
    spec,
    status,
    references: [{ pointer: '/spec/network', kind: 'VirtualNetwork' }],
    columns: [
      { title: 'NETWORK', pointer: '/spec/network' },
      { title: 'FQDN', pointer: '/status/fqdn' },
      { title: 'TYPE', pointer: '/spec/type' },
      { title: 'DATA', pointer: '/spec/data' },
      { title: 'REASON', pointer: '/status/reason' },
      { title: 'TTL', pointer: '/spec/ttl', wide: true },
    ],
  },
];
