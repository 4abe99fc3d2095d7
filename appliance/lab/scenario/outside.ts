/** What lies beyond an uplink: machines that are no VMs, their links, addresses and routes. */
import type { Checker } from './checker.ts';

/** One end of a link: of an Uplink among the objects, or of a cable whose other end another machine has. */
type OutsideLink = { readonly uplink: string } | { readonly cable: string };

export type OutsideInterface = OutsideLink & {
  readonly interface: string;
  /** With the length of their subnet. */
  readonly addresses: readonly string[];
  /** Bytes; undefined: the usual one. */
  readonly mtu: number | undefined;
};

const roles = ['host', 'router', 'switch'] as const;

export interface OutsideMachine {
  readonly name: string;
  /** `router` forwards both families; `switch` joins all its interfaces, which have no addresses. */
  readonly role: (typeof roles)[number];
  readonly interfaces: readonly OutsideInterface[];
  /** As `ip route add` takes them. */
  readonly routes: readonly string[];
  /** Shell commands run once all of the lab is there, before those of the VMs. */
  readonly start: readonly string[];
}

/** Smallest MTU of a link that carries IPv6 (RFC 8200 §5), largest of a veth pair. */
const mtus = { min: 1_280, max: 65_535 } as const;

export function parseOutside(check: Checker, content: unknown): readonly OutsideMachine[] {
  const machines = check.list(content ?? [], '/outside').map((machine, index) => parseMachine(check, machine, `/outside/${index}`));
  const ends = machines.flatMap(({ interfaces }) => interfaces.flatMap((link) => ('cable' in link ? [link.cable] : [])));
  const odd = ends.find((cable) => ends.filter((end) => end === cable).length !== 2);
  if (odd !== undefined) throw check.failure('/outside', `give the cable "${odd}" two ends, each at an interface`);
  return machines;
}

function parseMachine(check: Checker, content: unknown, at: string): OutsideMachine {
  const machine = check.map(content, at);
  check.only(machine, at, ['name', 'role', 'interfaces', 'routes', 'start']);
  const role = roles.find((known) => known === (machine.role ?? 'host'));
  if (role === undefined) throw check.failure(`${at}/role`, `roles are: ${roles.join(', ')}`);
  const interfaces = check
    .list(machine.interfaces ?? [], `${at}/interfaces`)
    .map((each, index) => parseInterface(check, each, index, `${at}/interfaces/${index}`));
  check.unique(
    interfaces.map((each) => each.interface),
    `${at}/interfaces`,
  );
  return {
    name: check.name(machine.name, `${at}/name`),
    role,
    interfaces,
    routes: check.texts(machine.routes, `${at}/routes`),
    start: check.texts(machine.start, `${at}/start`),
  };
}

function parseInterface(check: Checker, content: unknown, index: number, at: string): OutsideInterface {
  const given = check.map(content, at);
  check.only(given, at, ['uplink', 'cable', 'interface', 'addresses', 'mtu']);
  const { uplink, cable, interface: name = `eth${index}`, mtu } = given;
  if ((uplink === undefined) === (cable === undefined))
    throw check.failure(at, 'give either "uplink", the name of the object, or "cable", a name that another interface has, too');
  if (mtu !== undefined && !(Number.isInteger(mtu) && Number(mtu) >= mtus.min && Number(mtu) <= mtus.max))
    throw check.failure(`${at}/mtu`, `write a number from ${mtus.min} to ${mtus.max}`);
  const link = uplink === undefined ? { cable: check.text(cable, `${at}/cable`) } : { uplink: check.text(uplink, `${at}/uplink`) };
  return {
    ...link,
    interface: check.text(name, `${at}/interface`),
    addresses: check.texts(given.addresses, `${at}/addresses`),
    mtu: mtu === undefined ? undefined : Number(mtu),
  };
}
