/** Schemas of the fields that the kinds share. Descriptions and patterns are what `weft explain` and the kernel's errors show. */
import { Type } from 'typebox';

// Loose on purpose: admission reads the numbers, and says more about a wrong one than a pattern can.
export const addressField = (description: string) => Type.String({ description, pattern: '^[0-9A-Fa-f.:]+$', maxLength: 45 });

export const prefixField = (description: string) => Type.String({ description, pattern: '^[0-9A-Fa-f.:/]+$', maxLength: 49 });

export const macField = (description: string) => Type.String({ description, pattern: '^[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}$' });

/** The name of another object, or PROJECT/NAME of a shared one. */
export const referenceField = (description: string) =>
  Type.String({ description, pattern: '^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$', maxLength: 127 });

/** Linux' IFNAMSIZ leaves 15 characters; `/`, `:` and blanks are refused by the kernel of the host. */
const interfaceField = (description: string) => Type.String({ description, pattern: '^[A-Za-z0-9_@][A-Za-z0-9_.@-]*$', maxLength: 15 });

const bindingTypeNames = ['none', 'netns', 'tap', 'interface', 'vlan', 'vhost-user', 'pci'] as const;

const linkFields = {
  netns: Type.Optional(
    Type.String({
      description: 'netns: name of an existing network namespace (as `ip netns list` shows it) into which the link is moved.',
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
      maxLength: 63,
    }),
  ),
  interface: Type.Optional(
    interfaceField(
      'netns: name of the link inside the namespace. tap: name of the link to make. interface: name of an existing link of the host. At most 15 characters.',
    ),
  ),
  socket: Type.Optional(
    Type.String({ description: 'vhost-user: absolute path of the socket, at most 107 bytes.', pattern: '^/', maxLength: 107 }),
  ),
  server: Type.Optional(
    Type.Boolean({ description: 'vhost-user: the appliance makes the socket and listens. Default: the virtual machine does.' }),
  ),
};

/**
 * Where packets come from. One flat object instead of a union: an error then names the one field that is wrong
 * (admission/bindings.ts knows which fields belong to which type).
 */
export const bindingField = Type.Object(
  {
    type: Type.Enum(bindingTypeNames, {
      description: 'Kind of link. none: the port exists without one. This version serves all but pci.',
    }),
    ...linkFields,
    parent: Type.Optional(referenceField('vlan: the Trunk that carries this port.')),
    vlan: Type.Optional(Type.Integer({ description: 'vlan: 802.1Q VLAN ID, 1 to 4094, unique on its trunk.', minimum: 1, maximum: 4094 })),
    address: Type.Optional(
      Type.String({
        description: 'pci: address of the device, such as 0000:00:05.0.',
        pattern: '^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]$',
      }),
    ),
  },
  { additionalProperties: false, description: 'Where the packets come from and go to.', default: { type: 'none' } },
);

/** The same of an Uplink, which takes a VLAN of the link by itself. */
export const uplinkBindingField = Type.Object(
  {
    type: Type.Enum(['none', 'netns', 'tap', 'interface', 'vhost-user'], {
      description:
        'Kind of link. interface: an existing one of the host, which goes on using it. netns: a link into a namespace, where the routers are. none: without one.',
    }),
    ...linkFields,
  },
  { additionalProperties: false, description: 'Where the underlay is.' },
);

export const idField = (description: string) => Type.Integer({ description, minimum: 1, maximum: 0xffff_ffff });

export const linkPhase = Type.Optional(
  Type.Enum(['Active', 'Pending', 'Down'], {
    description: 'Active: packets flow. Pending: the link is being made or retried, see reason. Down: the link is there without carrier.',
  }),
);

export const sinceField = Type.String({ description: 'When phase or reason changed last, RFC 3339.', format: 'date-time' });

export const reasonField = Type.String({ description: 'Why the phase is not Active; empty when it is.' });
