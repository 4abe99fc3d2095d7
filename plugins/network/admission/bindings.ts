/** Rules for the bindings of Ports and Trunks: the right fields for the type, and no link or VLAN used twice. */
import type { Port, PortBinding, Trunk } from '@weft/kernel/contract/net';
import type { Problem, Refusals } from './refusals.ts';
import { resolve, titleOf, type World } from './world.ts';

type Bound = Port | Trunk;
type Supported = 'none' | 'netns' | 'interface' | 'vlan';

/** The fields that a binding type needs; every other one is refused with it. */
const fieldsOf: Readonly<Record<Supported, readonly string[]>> = {
  none: [],
  netns: ['netns', 'interface'],
  interface: ['interface'],
  vlan: ['parent', 'vlan'],
};

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
    return [
      { pointer: '/spec/binding/type', message: `binding type ${type} is not supported by this version`, fix: `use ${choices(onTrunk)}` },
    ];
  }
  if (onTrunk && type === 'vlan') {
    return [{ pointer: '/spec/binding/type', message: 'a Trunk cannot ride on another Trunk', fix: `use ${choices(onTrunk)}` }];
  }
  const needed = fieldsOf[type];
  const given = Object.keys(binding).filter((field) => field !== 'type');
  const missing = needed.filter((field) => !given.includes(field));
  const surplus = given.filter((field) => !needed.includes(field));
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
  ];
}

const examples: Readonly<Record<Supported, string>> = {
  none: '{type: none}',
  netns: '{type: netns, netns: vm1, interface: eth0}',
  interface: '{type: interface, interface: eth5}',
  vlan: '{type: vlan, parent: trunk0, vlan: 101}',
};

function isSupported(type: string): type is Supported {
  return Object.hasOwn(fieldsOf, type);
}

function choices(onTrunk: boolean): string {
  return onTrunk ? 'netns, interface or none' : 'netns, interface, vlan or none';
}

function loopback(binding: PortBinding): readonly Problem[] {
  const isLoopback = (binding.type === 'interface' || binding.type === 'netns') && binding.interface === 'lo';
  return isLoopback ? [{ pointer: '/spec/binding/interface', message: 'lo is the loopback interface', fix: 'name another interface' }] : [];
}

/** Links and VLANs that untouched objects hold, then those that the transaction asks for, in its order. */
function checkClaims(written: readonly Bound[], world: World, refusals: Refusals): void {
  const holders = new Map<string, Bound>();
  for (const object of [...world.trunks.values(), ...world.ports.values()]) {
    const claim = claimOf(object);
    if (claim && !world.changed.has(titleOf(object))) holders.set(claim.what, object);
  }
  for (const object of written) {
    const claim = claimOf(object);
    if (!claim) continue;
    const holder = holders.get(claim.what);
    if (holder) refusals.add(object, claim.pointer, `${claim.what} is used by ${titleOf(holder)} already`, claim.fix);
    else holders.set(claim.what, object);
  }
}

function claimOf(object: Bound): { readonly what: string; readonly pointer: string; readonly fix: string } | undefined {
  const { binding } = object.spec;
  switch (binding.type) {
    case 'netns':
      return {
        what: `interface ${binding.interface} in network namespace ${binding.netns}`,
        pointer: '/spec/binding/interface',
        fix: 'choose another interface name or namespace',
      };
    case 'interface':
      return { what: `interface ${binding.interface}`, pointer: '/spec/binding/interface', fix: 'choose another interface' };
    case 'vlan':
      return {
        what: `VLAN ${binding.vlan} of Trunk/${resolve(object.metadata.project, binding.parent)}`,
        pointer: '/spec/binding/vlan',
        fix: 'choose another VLAN from 1 to 4094',
      };
    default:
      return undefined;
  }
}
