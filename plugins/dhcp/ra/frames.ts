/** Advertisements as frames from the gateway. Those to all nodes are the same for every port, and made once. */
import { buildIcmpv6Frame, gatewayLinkLocal, gatewayMac, type Icmpv6Frame } from '@weft/kernel/contract/net';
import { type Advertisement, bodiesOf, type Endings } from './advertisement.ts';

const routerAdvertisement = 134;
const allNodes = { dst: 'ff02::1', dstMac: '33:33:00:00:00:01' } as const;

export class AdvertisementFrames {
  readonly #known = new WeakMap<Advertisement, readonly Buffer[]>();

  toAll(advertisement: Advertisement, endings: Endings): readonly Buffer[] {
    if (endings.size > 0) return bodiesOf(advertisement, endings).map((body) => frameOf(body, allNodes));
    const frames = this.#known.get(advertisement) ?? bodiesOf(advertisement).map((body) => frameOf(body, allNodes));
    this.#known.set(advertisement, frames);
    return frames;
  }

  /** With the tag of the question, if it had one inside. */
  toAsker(advertisement: Advertisement, endings: Endings | undefined, { src, srcMac, vlan }: Icmpv6Frame): readonly Buffer[] {
    const to = { dst: src, dstMac: srcMac, ...(vlan === undefined ? {} : { vlan }) };
    return bodiesOf(advertisement, endings).map((body) => frameOf(body, to));
  }
}

function frameOf(body: Buffer, to: Pick<Icmpv6Frame, 'dst' | 'dstMac' | 'vlan'>): Buffer {
  const from = { srcMac: gatewayMac, src: gatewayLinkLocal, hopLimit: 255 };
  return buildIcmpv6Frame({ ...from, ...to, type: routerAdvertisement, code: 0, body });
}
