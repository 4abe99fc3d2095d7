/** Rules for SnatPools: addresses that can be shared, blocks that fit, one uplink for all, and none that contradicts the networks that use it. */
import { canonicalIp, parseIp, type SnatPool } from '@weft/kernel/contract/net';
import { hostWord, isHostPool, placeInPool, poolAddresses, poolPlace, portRange } from '../pools.ts';
import { nameFor, type Site, titleOf } from '../site.ts';
import { addressProblems, type Problem, placeProblems } from './check.ts';

export function poolProblems(pool: SnatPool, site: Site): readonly Problem[] {
  const addresses = isHostPool(pool.spec) ? hostProblems(pool, site) : listProblems(pool, site);
  return [...addresses, ...blockProblems(pool), ...networkProblems(pool, site)];
}

function hostProblems(pool: SnatPool, site: Site): readonly Problem[] {
  const { addresses, uplink: named } = pool.spec;
  if (addresses.length > 1) {
    const fix = `leave the others out, or make a second pool of them`;
    return [{ pointer: '/spec/addresses', message: `${hostWord} stands for all addresses of a pool, and there are others`, fix }];
  }
  const place = poolPlace(pool, site.uplinks());
  if (place.uplink === undefined) return placeProblems(undefined, place, named, '/spec/addresses/0');
  const rival = site.hostPools(place.uplink).find((title) => title !== titleOf(pool));
  if (rival === undefined) return [];
  const message = `${nameFor(pool, rival)} shares the own addresses of Uplink/${place.uplink.metadata.name} already`;
  return [{ pointer: '/spec/addresses/0', message, fix: 'use that pool (metadata.shared lets other projects do so), or other addresses' }];
}

function listProblems(pool: SnatPool, site: Site): readonly Problem[] {
  const { addresses, uplink: named } = pool.spec;
  const seen = new Set<string>();
  const first = poolPlace(pool, site.uplinks()).uplink;
  return addresses.flatMap((text, index): readonly Problem[] => {
    const pointer = `/spec/addresses/${index}`;
    const canonical = canonicalIp(text);
    if (seen.has(canonical)) return [{ pointer, message: `${text} is listed twice`, fix: 'list it once' }];
    seen.add(canonical);
    const problems = addressProblems(pool, text, pointer, site);
    const address = parseIp(text);
    if (problems.length > 0 || address === undefined) return problems;
    const place = placeInPool(pool, address, site.uplinks(), first);
    const wrong = placeProblems(address, place, named, pointer);
    if (wrong.length > 0 || place.uplink === first) return index === 0 || wrong[0]?.pointer === pointer ? wrong : [];
    const message = `${text} is behind ${nameOf(place.uplink)}, the addresses before it are behind ${nameOf(first)}`;
    return [{ pointer, message, fix: 'make a pool for each uplink' }];
  });
}

const nameOf = (uplink: { readonly metadata: { readonly name: string } } | undefined): string =>
  uplink === undefined ? 'no Uplink' : `Uplink/${uplink.metadata.name}`;

function blockProblems({ spec }: SnatPool): readonly Problem[] {
  const { ports, blockSize } = spec;
  const range = portRange(spec);
  if (range === undefined)
    return [
      { pointer: '/spec/ports', message: `${ports} is no range of ports`, fix: 'write FIRST-LAST within 1-65535, such as 1024-65535' },
    ];
  if ((blockSize & (blockSize - 1)) !== 0)
    return [{ pointer: '/spec/blockSize', message: `${blockSize} is no power of two`, fix: `write 64, 128, 256, … 16384` }];
  const begin = Math.ceil(range.first / blockSize) * blockSize;
  if (begin + blockSize - 1 <= range.last) return [];
  const message = `no block of ${blockSize} ports fits into ${ports}: blocks begin at multiples of their size`;
  return [{ pointer: '/spec/blockSize', message, fix: 'choose a smaller size, or a larger range of ports' }];
}

/** A network has one way out: its floating IPs, and a native route, are behind the pool's uplink. */
function networkProblems(pool: SnatPool, site: Site): readonly Problem[] {
  const { uplink } = poolPlace(pool, site.uplinks());
  if (uplink === undefined) return [];
  const { name } = uplink.metadata;
  for (const network of site.networksOf(pool)) {
    const { underlay } = network.spec;
    const other = [...site.uplinksOfIps(network), ...(underlay === undefined ? [] : [underlay])].find((each) => each !== name);
    if (other === undefined) continue;
    const message = `the pool is behind Uplink/${name}, and ${nameFor(pool, titleOf(network))}, which uses it, leaves through Uplink/${other}`;
    return [
      {
        pointer: '/spec/addresses',
        message,
        fix: 'a network has one way out: choose addresses of that uplink, or take the pool from its router first',
      },
    ];
  }
  return [];
}

/** So many addresses of all pools count against the setting maxAddresses. */
export function addressCount(site: Site): number {
  const uplinks = site.uplinks();
  return site.all<SnatPool>('SnatPool').reduce((sum, pool) => sum + poolAddresses(pool, poolPlace(pool, uplinks).uplink).length, 0);
}
