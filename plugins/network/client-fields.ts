/** Schemas of what clients are told and how names are found for them; plugins dhcp and dns act on it. */
import { Type } from 'typebox';
import { addressField, prefixField } from './fields.ts';

const closed = { additionalProperties: false } as const;
const domainPattern = '^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$';

export const domainField = (description: string) => Type.String({ description, pattern: domainPattern, maxLength: 253 });

/** NVT ASCII (RFC 2132 §9.4). */
const nameField = (description: string) => Type.String({ description, pattern: '^[ -~]+$', maxLength: 128 });

const customOption = Type.Object(
  {
    family: Type.Optional(Type.Enum([4, 6], { description: 'IP version of the protocol: 4 for DHCPv4 (default), 6 for DHCPv6.' })),
    code: Type.Integer({
      description: 'Number of the option: 1 to 254 for DHCPv4, 1 to 65535 for DHCPv6; not one that the protocol itself needs, such as 51.',
      minimum: 1,
      maximum: 65_535,
    }),
    hex: Type.Optional(
      Type.String({ description: 'Its bytes as hexadecimal digits; hex or text.', pattern: '^(?:[0-9A-Fa-f]{2})*$', maxLength: 1024 }),
    ),
    text: Type.Optional(Type.String({ description: 'Its bytes as text; hex or text.', maxLength: 512 })),
  },
  closed,
);

export const dhcpOptionsField = Type.Optional(
  Type.Object(
    {
      ntp: Type.Optional(
        Type.Array(addressField('Address of a time server.'), {
          description: 'Time servers (NTP), each told over its own family: DHCPv4 option 42, DHCPv6 option 56.',
          maxItems: 8,
        }),
      ),
      domainSearch: Type.Optional(
        Type.Array(domainField('A domain.'), {
          description:
            'Domains that resolvers complete short names with: DHCPv4 option 119, DHCPv6 option 24 and router advertisements. Default: clients complete with the domain of the network.',
          maxItems: 16,
        }),
      ),
      tftpServerName: Type.Optional(
        nameField(
          'Name or address of the server to boot from: DHCPv4 option 66 and the field sname; an address also the field siaddr, when tftpServers names none.',
        ),
      ),
      bootFile: Type.Optional(nameField('Name of the boot file: DHCPv4 option 67 and the field file.')),
      tftpServers: Type.Optional(
        Type.Array(addressField('IPv4 address of a TFTP server.'), {
          description: 'TFTP servers: DHCPv4 option 150; the first is the next server (the field siaddr).',
          maxItems: 8,
        }),
      ),
      custom: Type.Optional(
        Type.Array(customOption, {
          description:
            'Any other options, by number; sent also to clients that do not ask for them. One takes the place of what Weft says under the same number. Those of port, subnet and network add up.',
          maxItems: 32,
        }),
      ),
    },
    {
      ...closed,
      description:
        'What clients are told beside addresses. A field of the port goes before that of its subnet, and that before the network. An empty list tells none. In all at most 1,024 bytes.',
    },
  ),
);

export const resolverField = Type.Optional(
  Type.Object(
    {
      upstreams: Type.Optional(
        Type.Array(
          Type.String({
            description:
              'ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, unicast. Which are not asked is the setting deniedUpstreams of the plugin dns.',
            pattern: '^[0-9A-Fa-f:.]+$|^\\[[0-9A-Fa-f:.]+\\](?::\\d{1,5})?$',
            maxLength: 53,
          }),
          { description: 'Name servers for all names but those of ports. Default: those of the plugin dns.', maxItems: 8 },
        ),
      ),
      dns64: Type.Optional(
        prefixField(
          'IPv6 prefix of length 96, such as 64:ff9b::/96: names with IPv4 addresses only get IPv6 addresses in it (RFC 6147). Default: none.',
        ),
      ),
      recordOrder: Type.Optional(
        Type.Enum(['fixed', 'random', 'round-robin'], {
          description: 'Order of several records of one name. Default: the setting recordOrder of the plugin dns.',
        }),
      ),
    },
    { ...closed, description: 'How names of the outside are found for VMs of this network, by the plugin dns.' },
  ),
);
