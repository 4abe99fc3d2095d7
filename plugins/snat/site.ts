/**
 * The objects that ways out are made of, with who depends on whom, kept while they come and go: admission and rows ask it, and a change costs what it
 * changes, however many floating IPs there are.
 */
import {
  canonicalIp,
  type FloatingIp,
  type LogicalRouter,
  type Port,
  parseIp,
  type SnatPool,
  type Uplink,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import { type Change, formatKey, keyOf, type ObjectKey, referencedKey, type WeftObject } from '@weft/kernel/contract/system';
import { factsOf } from './facts.ts';
import { isHostPool, poolAddresses, poolPlace } from './pools.ts';
import { Relation } from './relation.ts';
import { decidedOf, placeOf } from './uplinks.ts';

/** Identity of an object, as `formatKey` writes it. */
export type Title = string;

const kept = ['Uplink', 'SnatPool', 'FloatingIp', 'Port', 'VirtualNetwork', 'LogicalRouter'] as const;
export type Kept = (typeof kept)[number];

export class Site {
  readonly #objects = new Map<string, Map<Title, WeftObject>>(kept.map((kind) => [kind, new Map()]));
  /** Pools and floating IPs → their outside addresses, or `host UPLINK`. */
  readonly #claims = new Relation();
  readonly #portOf = new Relation();
  /** Floating IPs → their network, and `NETWORK UPLINK`. */
  readonly #placeOfIp = new Relation();
  readonly #networksOf = new Relation();
  readonly #poolOf = new Relation();
  /** Networks that are routed natively. */
  readonly #native = new Set<Title>();
  #highestPool = 0;
  #uplinks: readonly Uplink[] | undefined;

  /** The highest number that a pool ever had. */
  get highestPool(): number {
    return this.#highestPool;
  }

  get<T extends WeftObject<object, object>>(title: Title): T | undefined {
    const [kind = ''] = title.split('/', 1);
    return this.#objects.get(kind)?.get(title) as T | undefined;
  }

  all<T extends WeftObject<object, object>>(kind: Kept): readonly T[] {
    return [...(this.#objects.get(kind)?.values() ?? [])] as unknown as T[];
  }

  count(kind: Kept): number {
    return this.#objects.get(kind)?.size ?? 0;
  }

  uplinks(): readonly Uplink[] {
    this.#uplinks ??= this.all<Uplink>('Uplink').toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    return this.#uplinks;
  }

  /** Pools and floating IPs with an outside address (canonical), the lowest title first: that one has it. */
  holders(address: string): readonly Title[] {
    return [...this.#claims.sourcesOf(address)].sort();
  }

  /** Pools that share the own addresses of an uplink. */
  hostPools(uplink: Uplink): readonly Title[] {
    return this.holders(hostClaim(uplink));
  }

  portOf(ip: FloatingIp): Port | undefined {
    return this.get<Port>(formatKey(portKey(ip)));
  }

  networkOf({ spec, metadata }: Port): VirtualNetwork | undefined {
    return this.get<VirtualNetwork>(networkTitle(spec.network, metadata.project));
  }

  /** Floating IPs of a network's ports. */
  ipsOf(network: VirtualNetwork): ReadonlySet<Title> {
    return this.#placeOfIp.sourcesOf(titleOf(network));
  }

  /** Networks whose router names a pool. */
  networksOf(pool: SnatPool): readonly VirtualNetwork[] {
    const titles = [...this.#poolOf.sourcesOf(titleOf(pool))].flatMap((router) => this.#networksOf.targetsOf(router));
    return titles.flatMap((title) => this.get<VirtualNetwork>(title) ?? []);
  }

  poolOf(network: VirtualNetwork): SnatPool | undefined {
    const routers = [...this.#networksOf.sourcesOf(titleOf(network))].sort();
    const [pool] = routers.flatMap((router) => this.#poolOf.targetsOf(router));
    return pool === undefined ? undefined : this.get<SnatPool>(pool);
  }

  /** Networks whose addresses are known behind an uplink as they are. */
  nativeNetworks(): readonly VirtualNetwork[] {
    return [...this.#native].flatMap((title) => this.get<VirtualNetwork>(title) ?? []);
  }

  /** Names of the uplinks that floating IPs of a network are behind. */
  uplinksOfIps(network: VirtualNetwork): readonly string[] {
    const names = this.uplinks().map(({ metadata }) => metadata.name);
    return names.filter((name) => this.#placeOfIp.sourcesOf(`${titleOf(network)} ${name}`).size > 0);
  }

  /** Takes note of what an object is now; undefined: gone. Returns all whose rows or status may be others now. */
  put(title: Title, object: WeftObject | undefined): ReadonlySet<Title> {
    const [kind = ''] = title.split('/', 1);
    const objects = this.#objects.get(kind);
    const before = objects?.get(title);
    if (objects === undefined || (before === undefined && object === undefined)) return new Set();
    const isSame = before !== undefined && object !== undefined && factsOf(before) === factsOf(object);
    if (object === undefined) objects.delete(title);
    else objects.set(title, object);
    if (kind === 'Uplink') this.#uplinks = undefined;
    if (isSame) return new Set();
    const touched = new Set([title]);
    this.#touch(title, before, touched);
    this.#relate(title, object);
    this.#touch(title, object, touched);
    return touched;
  }

  /** Has the changes count for as long as `ask` runs. */
  suppose<T>(changes: readonly Change[], ask: () => T): T {
    const before = changes.map(({ key }) => [formatKey(key), this.get<WeftObject>(formatKey(key))] as const);
    for (const { key, after } of changes) this.put(formatKey(key), after ?? undefined);
    try {
      return ask();
    } finally {
      for (const [title, object] of before.toReversed()) this.put(title, object);
    }
  }

  #touch(title: Title, object: WeftObject | undefined, touched: Set<Title>): void {
    const add = (titles: Iterable<Title>) => {
      for (const one of titles) touched.add(one);
    };
    for (const claim of this.#claims.targetsOf(title)) add(this.#claims.sourcesOf(claim));
    add(this.#placeOfIp.targetsOf(title).slice(0, 1));
    add(this.#networksOf.targetsOf(title));
    for (const router of this.#poolOf.sourcesOf(title)) add(this.#networksOf.targetsOf(router));
    if (object?.kind === 'VirtualNetwork') add(this.#placeOfIp.sourcesOf(title));
    if (object?.kind === 'Port') for (const ip of this.#portOf.sourcesOf(title)) add([ip, ...this.#placeOfIp.targetsOf(ip).slice(0, 1)]);
    if (object?.kind === 'Uplink')
      for (const kind of ['SnatPool', 'FloatingIp', 'VirtualNetwork']) add(this.#objects.get(kind)?.keys() ?? []);
  }

  #relate(title: Title, object: WeftObject | undefined): void {
    const [kind] = title.split('/', 1);
    if (kind === 'SnatPool') this.#relatePool(title, object as unknown as SnatPool | undefined);
    if (kind === 'FloatingIp') this.#relateIp(title, object as unknown as FloatingIp | undefined);
    if (kind === 'Port') for (const ip of this.#portOf.sourcesOf(title)) this.#place(ip);
    if (kind === 'VirtualNetwork' && object?.spec.underlay !== undefined) this.#native.add(title);
    else this.#native.delete(title);
    if (kind === 'LogicalRouter') this.#relateRouter(title, object as unknown as LogicalRouter | undefined);
    if (kind !== 'Uplink') return;
    for (const pool of this.all<SnatPool>('SnatPool')) this.#relatePool(titleOf(pool), pool);
    for (const ip of this.#objects.get('FloatingIp')?.keys() ?? []) this.#place(ip);
  }

  #relatePool(title: Title, pool: SnatPool | undefined): void {
    if (pool !== undefined) this.#highestPool = Math.max(this.#highestPool, pool.status.id ?? 0);
    this.#claims.set(title, pool === undefined ? [] : this.#claimsOf(pool));
  }

  #claimsOf(pool: SnatPool): readonly string[] {
    if (!isHostPool(pool.spec)) return [...new Set(poolAddresses(pool, undefined))];
    const { uplink } = poolPlace(pool, this.uplinks());
    return uplink === undefined ? [] : [hostClaim(uplink)];
  }

  #relateIp(title: Title, ip: FloatingIp | undefined): void {
    this.#claims.set(title, ip === undefined ? [] : [canonicalIp(ip.spec.address)]);
    this.#portOf.set(title, ip === undefined ? [] : [formatKey(portKey(ip))]);
    this.#place(title);
  }

  #place(title: Title): void {
    const ip = this.get<FloatingIp>(title);
    const port = ip && this.portOf(ip);
    const address = ip && parseIp(ip.spec.address);
    if (ip === undefined || port === undefined || address === undefined) {
      this.#placeOfIp.set(title, []);
      return;
    }
    const network = networkTitle(port.spec.network, port.metadata.project);
    const { uplink } = placeOf(address, ip.spec.uplink, this.uplinks(), decidedOf(ip.status));
    this.#placeOfIp.set(title, uplink === undefined ? [network] : [network, `${network} ${uplink.metadata.name}`]);
  }

  #relateRouter(title: Title, router: LogicalRouter | undefined): void {
    const project = router?.metadata.project;
    const { networks = [], external } = router?.spec ?? {};
    this.#networksOf.set(
      title,
      networks.map((network) => networkTitle(network, project)),
    );
    this.#poolOf.set(title, external === undefined ? [] : [formatKey(referencedKey('SnatPool', external.snatPool, project))]);
  }
}

export function titleOf(object: WeftObject<object, object>): Title {
  return formatKey(keyOf(object));
}

/** What an object is called where the project of another one reads it: nobody learns what others have. */
export function nameFor({ metadata }: WeftObject<object, object>, title: Title): string {
  const [kind, project] = title.split('/');
  return project === metadata.project ? title : `a ${kind} of another project`;
}

const hostClaim = (uplink: Uplink): string => `host ${uplink.metadata.name}`;

const networkTitle = (reference: string, project: string | undefined): Title =>
  formatKey(referencedKey('VirtualNetwork', reference, project));

function portKey({ spec, metadata }: FloatingIp): ObjectKey {
  return referencedKey('Port', spec.target.port, metadata.project);
}
