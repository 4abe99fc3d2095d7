/** Who has which address and which MAC in one network: what is committed, but for ports that the transaction touches, and what it claims. */
import { formatIp, type IpAddress } from '@weft/kernel/contract/net';
import type { Subnet } from '../subnet.ts';
import type { Tenancy } from './committed.ts';

export class AddressBook {
  readonly subnets: readonly Subnet[];
  readonly #committed: Tenancy | undefined;
  readonly #changed: ReadonlySet<string>;
  readonly #holders = new Map<bigint, string>();
  readonly #avoided = new Set<bigint>();
  readonly #macs = new Map<string, string>();
  /** By subnet: addresses below are not free. */
  readonly #next: bigint[];

  /** `changed`: ports that the transaction touches, so that what they had counts no more. */
  constructor(subnets: readonly Subnet[], committed: Tenancy | undefined, changed: ReadonlySet<string>) {
    this.subnets = subnets;
    this.#committed = committed;
    this.#changed = changed;
    this.#next = subnets.map(({ from }) => from);
  }

  /** Gives the address to `owner`; returns the one who has it already, if any. All claims come before the first allocation. */
  claim({ value }: IpAddress, owner: string): string | undefined {
    const holder = this.#holders.get(value) ?? this.#committed?.addresses.find(value, this.#changed);
    if (holder === undefined) this.#holders.set(value, owner);
    return holder;
  }

  /** Keeps the address from being allocated; ports may still name it. */
  avoid(value: bigint): void {
    this.#avoided.add(value);
  }

  claimMac(mac: string, owner: string): string | undefined {
    const holder = this.#macs.get(mac) ?? this.#committed?.macs.find(mac, this.#changed);
    if (holder === undefined) this.#macs.set(mac, owner);
    return holder;
  }

  /** The lowest free address of the pool of one subnet; undefined when the pool is exhausted. */
  allocate(subnet: number): string | undefined {
    const pool = this.subnets[subnet];
    let value = this.#next[subnet];
    if (!pool || value === undefined) return undefined;
    while (value <= pool.to && this.#isUsed(value, pool)) value += 1n;
    this.#next[subnet] = value + 1n;
    return value > pool.to ? undefined : formatIp({ family: pool.prefix.family, value });
  }

  #isUsed(value: bigint, { gateway }: Subnet): boolean {
    if (value === gateway.value || this.#holders.has(value) || this.#avoided.has(value)) return true;
    const committed = this.#committed;
    return [committed?.addresses, committed?.pairs].some((held) => held?.find(value, this.#changed) !== undefined);
  }
}
