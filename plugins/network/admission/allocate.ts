/**
 * Fills status: numbers, VNIs, MAC and IP addresses. What an object has it keeps; what it names goes before what is allocated; what is allocated is the
 * lowest free. All changes of a transaction are seen together, so an address that one object gives up another may name in the same apply.
 */
import { formatIp, formatPrefix, type IpAddress, type Port, parseIp, prefixContains, type VirtualNetwork } from '@weft/kernel/contract/net';
import { isGateway, isHost, subnetsOf } from '../subnet.ts';
import { hashedMac } from '../uplink.ts';
import { AddressBook } from './addresses.ts';
import { pairValuesOf } from './committed.ts';
import type { NumberSpace } from './numbers.ts';
import { addressProblem } from './ports.ts';
import type { Refusals } from './refusals.ts';
import { networkOf, scopedName, titleOf, type World } from './world.ts';

export interface Written<T> {
  readonly before: T | null;
  readonly after: T;
}

export interface PortAllocation {
  readonly mac: string;
  readonly addresses: readonly string[];
}

/** VNI of each written network: the one it names, else the one it has, else the lowest free. */
export function allocateVnis(
  written: readonly Written<VirtualNetwork>[],
  vnis: NumberSpace,
  refusals: Refusals,
): ReadonlyMap<string, number> {
  const given = new Map<string, number>();
  const claimed = new Set(written.flatMap(({ after }) => after.spec.vni ?? []));
  for (const { before, after } of written) {
    const kept = before && !claimed.has(before.status.vni) ? before.status.vni : undefined;
    const vni = after.spec.vni ?? kept ?? vnis.take();
    if (vni === undefined)
      refusals.add(after, '/spec/vni', 'no VNI is free', 'delete networks, or lower the setting firstVni of the plugin network');
    else given.set(scopedName(after), vni);
  }
  return given;
}

/** MAC and addresses of each written port whose network is sound. */
export function allocatePorts(written: readonly Written<Port>[], world: World, refusals: Refusals): ReadonlyMap<string, PortAllocation> {
  const books = new Map<string, AddressBook>();
  const claims = written.flatMap(({ before, after }) => {
    const book = bookOf(networkOf(after), books, world, refusals);
    if (!book) return [];
    for (const address of pairValuesOf(after)) book.avoid(address);
    return [{ before, after, book, mac: '', addresses: [] as string[] }];
  });
  for (const claim of claims) claimNamed(claim, refusals);
  for (const claim of claims) claimKept(claim);
  const macs = new Set(claims.map(({ mac }) => mac));
  for (const claim of claims) {
    if (claim.mac === '') claim.mac = freshMac(claim, macs, world);
    if (claim.after.spec.addresses === undefined) allocateMissing(claim, refusals);
  }
  return new Map(claims.map(({ after, mac, addresses }) => [scopedName(after), { mac, addresses }]));
}

interface Claim extends Written<Port> {
  readonly book: AddressBook;
  mac: string;
  addresses: string[];
}

function bookOf(network: string, books: Map<string, AddressBook>, world: World, refusals: Refusals): AddressBook | undefined {
  const object = world.networks.get(network);
  const known = books.get(network);
  if (known || !object || refusals.has(object)) return known;
  const book = new AddressBook(subnetsOf(object), world.committed.tenancy(network), world.changed);
  books.set(network, book);
  return book;
}

function claimNamed(claim: Claim, refusals: Refusals): void {
  const { after: port, book } = claim;
  const title = titleOf(port);
  if (port.spec.mac !== undefined) {
    claim.mac = port.spec.mac.toLowerCase();
    const holder = book.claimMac(claim.mac, title);
    if (holder !== undefined)
      refusals.add(port, '/spec/mac', `${claim.mac} is the MAC address of ${holder}`, 'choose another one, or leave mac out');
  }
  for (const [index, text] of (port.spec.addresses ?? []).entries()) {
    const pointer = `/spec/addresses/${index}`;
    const problem = addressProblem(text, book.subnets);
    if (problem) {
      refusals.add(port, pointer, problem.message, problem.fix);
      continue;
    }
    const address = addressOf(text);
    const holder = book.claim(address, title);
    if (holder === title) refusals.add(port, pointer, `${text} is listed twice`, 'list it once');
    else if (holder !== undefined)
      refusals.add(port, pointer, `${text} is the address of ${holder}`, 'choose another one, or leave addresses out');
    claim.addresses.push(formatIp(address));
  }
}

/** What the port has and does not name stays its own, unless another one names it in this transaction. */
function claimKept(claim: Claim): void {
  const { before, after: port, book } = claim;
  // a port that comes back after its deletion brings what it had
  const old = before?.status ?? port.status;
  if (old.mac === undefined) return;
  const title = titleOf(port);
  if (claim.mac === '' && book.claimMac(old.mac, title) === undefined) claim.mac = old.mac;
  if (port.spec.addresses !== undefined) return;
  for (const subnet of book.subnets) {
    const kept = old.addresses.find((text) => {
      const address = addressOf(text);
      return isHost(subnet.prefix, address) && !isGateway(subnet, address) && book.claim(address, title) === undefined;
    });
    if (kept !== undefined) claim.addresses.push(kept);
  }
}

function allocateMissing(claim: Claim, refusals: Refusals): void {
  const { after: port, book } = claim;
  const had = claim.addresses;
  claim.addresses = book.subnets.flatMap((subnet, index) => {
    const kept = had.find((text) => prefixContains(subnet.prefix, addressOf(text)));
    const address = kept ?? book.allocate(index);
    if (address === undefined) {
      const fix = "widen the subnet's pool, delete ports, or name addresses";
      refusals.add(port, '/spec/addresses', `no address is free in the pool of ${formatPrefix(subnet.prefix)}`, fix);
    }
    return address ?? [];
  });
}

/** An address that admission has read before. */
function addressOf(text: string): IpAddress {
  const address = parseIp(text);
  if (!address) throw new TypeError(`${text} was admitted as an IP address`);
  return address;
}

/**
 * A locally administered unicast address from the object's uid; hashed again in the rare case that it is taken, in whatever network.
 * `macs`: those of the transaction.
 */
function freshMac(claim: Claim, macs: Set<string>, { committed, changed }: World): string {
  for (let attempt = 0; ; attempt++) {
    const mac = hashedMac(`${claim.after.metadata.uid}/${attempt}`);
    if (macs.has(mac) || committed.macs.find(mac, changed) !== undefined) continue;
    macs.add(mac);
    claim.book.claimMac(mac, titleOf(claim.after));
    return mac;
  }
}
