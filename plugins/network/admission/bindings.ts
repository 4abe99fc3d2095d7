/** Rules for the bindings of Ports, Trunks and Uplinks: the right fields for the type, and no link or VLAN used twice. */
import { posix } from 'node:path';
import type { Port, PortBinding, Trunk, Uplink } from '@weft/kernel/contract/net';
import type { Problem, Refusals } from './refusals.ts';
import { resolve, titleOf, type World } from './world.ts';

type Bound = Port | Trunk | Uplink;
type Supported = Exclude<PortBinding['type'], 'pci'>;

/** The fields of each binding type: those that it needs, and those that it may have. Every other one is refused with it. */
const fieldsOf: Readonly<Record<Supported, { readonly needed: readonly string[]; readonly optional?: readonly string[] }>> = {
  none: { needed: [] },
  netns: { needed: ['netns', 'interface'] },
  tap: { needed: ['interface'] },
  interface: { needed: ['interface'] },
  vlan: { needed: ['parent', 'vlan'] },
  'vhost-user': { needed: ['socket'], optional: ['server'] },
};

/** Bytes of a UNIX socket's path that Linux takes (sun_path, less the final NUL). */
const longestSocket = 107;

export function checkBindings(written: readonly Bound[], world: World, refusals: Refusals): void {
  const sound = written.filter((object) => {
    const problems = problemsOf(object.spec.binding, object.kind === 'Trunk');
    refusals.addAll(object, problems);
    return problems.length === 0;
  });
  checkClaims(sound, world, refusals);
}

function problemsOf(binding: PortBinding, onTrunk: boolean): readonly Problem[] {
  const { type } = binding;
  if (!isSupported(type)) {
    const message = `binding type ${type} is not supported by this version: the forwarder takes no devices from the host's drivers yet`;
    return [{ pointer: '/spec/binding/type', message, fix: `use interface with the device's Linux link, or ${choices(onTrunk)}` }];
  }
  if (onTrunk && type === 'vlan') {
    return [{ pointer: '/spec/binding/type', message: 'a Trunk cannot ride on another Trunk', fix: `use ${choices(onTrunk)}` }];
  }
  const { needed, optional = [] } = fieldsOf[type];
  const given = Object.keys(binding).filter((field) => field !== 'type');
  const missing = needed.filter((field) => !given.includes(field));
  const surplus = given.filter((field) => !needed.includes(field) && !optional.includes(field));
  return [
    ...missing.map((field) => ({
      pointer: `/spec/binding/${field}`,
      message: `binding type ${type} needs ${field}`,
      fix: `write ${examples[type]}`,
    })),
    ...surplus.map((field) => ({
      pointer: `/spec/binding/${field}`,
      message: `binding type ${type} takes no ${field}`,
      fix: `remove it: ${examples[type]}`,
    })),
    ...loopback(binding),
    ...socketProblems(binding),
  ];
}

const examples: Readonly<Record<Supported, string>> = {
  none: '{type: none}',
  netns: '{type: netns, netns: vm1, interface: eth0}',
  tap: '{type: tap, interface: tap0}',
  interface: '{type: interface, interface: eth5}',
  vlan: '{type: vlan, parent: trunk0, vlan: 101}',
  'vhost-user': '{type: vhost-user, socket: /run/weft/vm1.sock, server: true}',
};

function isSupported(type: string): type is Supported {
  return Object.hasOwn(fieldsOf, type);
}

function choices(onTrunk: boolean): string {
  return onTrunk ? 'netns, tap, vhost-user or none' : 'netns, tap, vlan, vhost-user or none';
}

function loopback(binding: PortBinding): readonly Problem[] {
  return 'interface' in binding && binding.interface === 'lo'
    ? [{ pointer: '/spec/binding/interface', message: 'lo is the loopback interface', fix: 'name another interface' }]
    : [];
}

/** One socket has one spelling, so that no two ports mean the same. */
function socketProblems(binding: PortBinding): readonly Problem[] {
  if (binding.type !== 'vhost-user' || binding.socket === undefined) return [];
  const { socket } = binding;
  const pointer = '/spec/binding/socket';
  if (Buffer.byteLength(socket) > longestSocket) {
    const message = `the path has ${Buffer.byteLength(socket)} bytes, and a socket's at most ${longestSocket}`;
    return [{ pointer, message, fix: 'choose a shorter path' }];
  }
  const plain = posix.resolve('/', socket);
  return plain === socket && plain !== '/' && !socket.includes('\0')
    ? []
    : [
        {
          pointer,
          message: `${JSON.stringify(socket)} is not a plain absolute path`,
          fix: 'write it like /run/weft/vm1.sock, without . or .. or a final /',
        },
      ];
}

/** Links and VLANs that the transaction asks for, in its order, against those that untouched objects hold. */
function checkClaims(written: readonly Bound[], world: World, refusals: Refusals): void {
  const holders = new Map<string, string>();
  for (const object of written) {
    const claim = claimOf(object);
    if (!claim) continue;
    const holder = holders.get(claim.what) ?? world.committed.links.find(claim.what, world.changed);
    if (holder !== undefined) refusals.add(object, claim.pointer, `${claim.what} is used by ${holder} already`, claim.fix);
    else holders.set(claim.what, titleOf(object));
  }
}

/** What of the appliance a binding takes for itself. */
export function claimOf(object: Bound): { readonly what: string; readonly pointer: string; readonly fix: string } | undefined {
  const { binding } = object.spec;
  switch (binding.type) {
    case 'netns':
      return {
        what: `interface ${binding.interface} in network namespace ${binding.netns}`,
        pointer: '/spec/binding/interface',
        fix: 'choose another interface name or namespace',
      };
    case 'interface':
    case 'tap':
      return { what: `interface ${binding.interface}`, pointer: '/spec/binding/interface', fix: 'choose another interface' };
    case 'vlan':
      return {
        what: `VLAN ${binding.vlan} of Trunk/${resolve(object.metadata.project, binding.parent)}`,
        pointer: '/spec/binding/vlan',
        fix: 'choose another VLAN from 1 to 4094',
      };
    case 'vhost-user':
      return { what: `socket ${binding.socket}`, pointer: '/spec/binding/socket', fix: 'choose another path' };
    default:
      return undefined;
  }
}
