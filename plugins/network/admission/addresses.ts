/** Who has which address and which MAC in one network. */
import { formatIpv4 } from '../ipv4.ts';
import type { Subnet } from '../subnet.ts';
import { NumberSpace } from './numbers.ts';

export class AddressBook {
  readonly subnets: readonly Subnet[];
  readonly #holders = new Map<number, string>();
  readonly #macs = new Map<string, string>();
  #pools: readonly NumberSpace[] | undefined;

  constructor(subnets: readonly Subnet[]) {
    this.subnets = subnets;
  }

  /** Gives the address to `owner`; returns the one who has it already, if any. All claims come before the first allocation. */
  claim(address: number, owner: string): string | undefined {
    const holder = this.#holders.get(address);
    if (holder === undefined) this.#holders.set(address, owner);
    return holder;
  }

  claimMac(mac: string, owner: string): string | undefined {
    const holder = this.#macs.get(mac);
    if (holder === undefined) this.#macs.set(mac, owner);
    return holder;
  }

  /** The lowest free address of the pool of one subnet, now of `owner`; undefined when the pool is exhausted. */
  allocate(subnet: number, owner: string): string | undefined {
    this.#pools ??= this.subnets.map(({ from, to, gateway }) => new NumberSpace(from, to, [...this.#holders.keys(), gateway]));
    const address = this.#pools[subnet]?.take();
    if (address === undefined) return undefined;
    this.#holders.set(address, owner);
    return formatIpv4(address);
  }
}
