/** Who has which address and which MAC in one network. */
import { formatIp, type IpAddress } from '@weft/kernel/contract/net';
import type { Subnet } from '../subnet.ts';
import { NumberSpace } from './numbers.ts';

export class AddressBook {
  readonly subnets: readonly Subnet[];
  readonly #holders = new Map<string, string>();
  readonly #avoided: IpAddress[] = [];
  readonly #macs = new Map<string, string>();
  #pools: readonly NumberSpace[] | undefined;

  constructor(subnets: readonly Subnet[]) {
    this.subnets = subnets;
  }

  /** Gives the address to `owner`; returns the one who has it already, if any. All claims come before the first allocation. */
  claim(address: IpAddress, owner: string): string | undefined {
    const text = formatIp(address);
    const holder = this.#holders.get(text);
    if (holder !== undefined) return holder;
    this.#holders.set(text, owner);
    this.#avoided.push(address);
    return undefined;
  }

  /** Keeps the address from being allocated; ports may still name it. */
  avoid(address: IpAddress): void {
    this.#avoided.push(address);
  }

  claimMac(mac: string, owner: string): string | undefined {
    const holder = this.#macs.get(mac);
    if (holder === undefined) this.#macs.set(mac, owner);
    return holder;
  }

  /** The lowest free address of the pool of one subnet; undefined when the pool is exhausted. */
  allocate(subnet: number): string | undefined {
    this.#pools ??= this.subnets.map((each) => poolOf(each, [...this.#avoided, each.gateway]));
    const offset = this.#pools[subnet]?.take();
    const pool = this.subnets[subnet];
    return offset === undefined || !pool ? undefined : formatIp({ family: pool.prefix.family, value: pool.from + BigInt(offset) });
  }
}

/** Numbers are offsets in the pool. What lies beyond the largest exact one is never reached: ports are fewer by far. */
function poolOf({ prefix, from, to }: Subnet, used: readonly IpAddress[]): NumberSpace {
  const last = to - from > limit ? limit : to - from;
  const offsets = used.flatMap(({ family, value }) =>
    family === prefix.family && value >= from && value - from <= last ? [Number(value - from)] : [],
  );
  return new NumberSpace(0, Number(last), offsets);
}

const limit = BigInt(Number.MAX_SAFE_INTEGER - 1);
