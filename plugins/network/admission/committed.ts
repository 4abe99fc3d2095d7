/** The committed objects with an index of what they hold, kept while they come and go, so that a decision costs what it changes. */
import {
  type FloatingIp,
  type IpAddress,
  idLimit,
  type LogicalRouter,
  type Port,
  parseIp,
  type SnatPool,
  type Trunk,
  type Uplink,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import type { WeftObject } from '@weft/kernel/contract/system';
import { pairAddress, pairsOf } from '../pairs.ts';
import { claimOf } from './bindings.ts';
import { Holders } from './holders.ts';
import { networkOf, scopedName, titleOf } from './world.ts';

/** What the ports of one network have. Addresses are numbers: no unicast address of IPv6 is as small as those of IPv4. */
export interface Tenancy {
  /** By `project/name`. */
  readonly ports: Map<string, Port>;
  readonly addresses: Holders<bigint>;
  /** Addresses of pairs. */
  readonly pairs: Holders<bigint>;
  readonly macs: Holders<string>;
}

type Note = 'add' | 'remove';

export class Committed {
  /** By `project/name`. */
  readonly networks = new Map<string, VirtualNetwork>();
  readonly routers = new Map<string, LogicalRouter>();
  /** By `/name`. */
  readonly uplinks = new Map<string, Uplink>();
  /** By the name of the uplink that they are routed through: networks by `project/name`. */
  readonly underlays = new Map<string, Map<string, VirtualNetwork>>();
  /** Outside addresses of FloatingIps and SnatPools, by title. */
  readonly outside = new Map<string, readonly IpAddress[]>();
  /** Numbers of ports, trunks and uplinks. */
  readonly linkIds = new Holders<number>();
  /** Numbers of networks, routers and what is behind uplinks. */
  readonly tableIds = new Holders<number>();
  readonly vnis = new Holders<number>();
  /** MAC addresses of the ports of all networks. */
  readonly macs = new Holders<string>();
  /** Links, VLANs and sockets, as `claimOf` names them. */
  readonly links = new Holders<string>();
  readonly #tenancies = new Map<string, Tenancy>();
  #lastLinkId: number;

  /** @param lastLinkId as of an earlier life; 0: of none */
  constructor(lastLinkId = 0) {
    this.#lastLinkId = lastLinkId;
  }

  /** The number that a port or trunk was given last. */
  get lastLinkId(): number {
    return this.#lastLinkId;
  }

  /** What is known of a network's ports; undefined without any. */
  tenancy(network: string): Tenancy | undefined {
    return this.#tenancies.get(network);
  }

  /** An object came (no `before`), changed, or went (no `after`). */
  note(before: WeftObject | undefined, after: WeftObject | undefined): void {
    if (before) this.#note('remove', before);
    if (after) this.#note('add', after);
  }

  #note(note: Note, object: WeftObject): void {
    const title = titleOf(object);
    switch (object.kind) {
      case 'VirtualNetwork':
        this.#noteNetwork(note, object as unknown as VirtualNetwork, title);
        break;
      case 'LogicalRouter':
        keep(this.routers, note, scopedName(object), object as unknown as LogicalRouter);
        this.tableIds[note](object.status.id as number, title);
        break;
      case 'Trunk':
        this.#noteLink(note, object as unknown as Trunk, title);
        break;
      case 'Uplink':
        this.#noteUplink(note, object as unknown as Uplink, title);
        break;
      case 'FloatingIp':
        keep(this.outside, note, title, addressesOf([(object as unknown as FloatingIp).spec.address]));
        break;
      case 'SnatPool':
        keep(this.outside, note, title, addressesOf((object as unknown as SnatPool).spec.addresses));
        break;
      case 'Port':
        this.#noteLink(note, object as unknown as Port, title);
        this.#notePort(note, object as unknown as Port, title);
    }
  }

  #noteNetwork(note: Note, network: VirtualNetwork, title: string): void {
    keep(this.networks, note, scopedName(network), network);
    this.tableIds[note](network.status.id, title);
    this.vnis[note](network.status.vni, title);
    const { underlay } = network.spec;
    if (underlay === undefined) return;
    const routed = this.underlays.get(underlay) ?? new Map<string, VirtualNetwork>();
    keep(routed, note, scopedName(network), network);
    keep(this.underlays, routed.size > 0 ? 'add' : 'remove', underlay, routed);
  }

  #noteUplink(note: Note, uplink: Uplink, title: string): void {
    keep(this.uplinks, note, scopedName(uplink), uplink);
    const { network, trunk } = uplink.status;
    this.tableIds[note](network, title);
    if (trunk !== undefined) this.#noteLinkId(note, trunk, title);
    this.#noteLink(note, uplink, title);
  }

  #noteLinkId(note: Note, id: number, title: string): void {
    this.linkIds[note](id, title);
    // Numbers are given in turn, and begin anew at the end: what lies ahead by less than half of them came later.
    if ((id - this.#lastLinkId + idLimit) % idLimit < idLimit / 2) this.#lastLinkId = id;
  }

  #noteLink(note: Note, object: Port | Trunk | Uplink, title: string): void {
    this.#noteLinkId(note, object.status.id, title);
    const claim = claimOf(object);
    if (claim) this.links[note](claim.what, title);
  }

  #notePort(note: Note, port: Port, title: string): void {
    const network = networkOf(port);
    const tenancy = this.#tenancies.get(network) ?? {
      ports: new Map(),
      addresses: new Holders(),
      pairs: new Holders(),
      macs: new Holders(),
    };
    keep(tenancy.ports, note, scopedName(port), port);
    this.macs[note](port.status.mac, title);
    tenancy.macs[note](port.status.mac, title);
    for (const value of valuesOf(port.status.addresses)) tenancy.addresses[note](value, title);
    for (const value of pairValuesOf(port)) tenancy.pairs[note](value, title);
    if (tenancy.ports.size > 0) this.#tenancies.set(network, tenancy);
    else this.#tenancies.delete(network);
  }
}

/** The addresses of a port's pairs that are no ranges. */
export function pairValuesOf(port: Port): readonly bigint[] {
  return valuesOf(pairsOf(port).flatMap((pair) => pairAddress(pair) ?? []));
}

function valuesOf(addresses: readonly string[]): readonly bigint[] {
  return addressesOf(addresses).map(({ value }) => value);
}

/** Without what is none, such as the word host. */
function addressesOf(texts: readonly string[]): readonly IpAddress[] {
  return texts.flatMap((text) => parseIp(text) ?? []);
}

function keep<T>(objects: Map<string, T>, note: Note, name: string, object: T): void {
  if (note === 'add') objects.set(name, object);
  else objects.delete(name);
}
