/** What the schemas cannot say of outside addresses: that they can be one, that nobody else has them, and where they are. */
import { cidrContains, formatIp, type IpAddress, parseIp } from '@weft/kernel/contract/net';
import type { WeftObject } from '@weft/kernel/contract/system';
import { nameFor, type Site, titleOf } from '../site.ts';
import { isSubnetEdge, type Nowhere, notAllowed, type Place, unfit, usedBy } from '../uplinks.ts';

/** A message has no room for more. */
const mostNamed = 8;

export interface Problem {
  readonly pointer: string;
  readonly message: string;
  readonly fix: string;
}

/** Problems of one outside address of an object. `pointer`: of the field that says it. */
export function addressProblems(object: WeftObject<object, object>, text: string, pointer: string, site: Site): readonly Problem[] {
  const address = parseIp(text);
  if (address === undefined && text.includes('/'))
    return [{ pointer, message: `${text} is a prefix`, fix: 'write an address, no prefix: each one that is meant' }];
  if (address === undefined)
    return [{ pointer, message: `${text} is not an IP address`, fix: 'write one such as 198.51.100.8 or 2001:db8::8' }];
  const message = wrong(object, address, site);
  return message === undefined ? [] : [{ pointer, message: `${text} is ${message}`, fix: 'choose another address' }];
}

function wrong(object: WeftObject<object, object>, address: IpAddress, site: Site): string | undefined {
  const canonical = formatIp(address);
  const uplinks = site.uplinks();
  const holder = site.holders(canonical).find((title) => title !== titleOf(object));
  return (
    unfit(address) ??
    usedBy(canonical, uplinks) ??
    (isSubnetEdge(address, uplinks) ? 'the first or last address of its subnet, which names no host' : undefined) ??
    (holder === undefined ? undefined : `taken by ${nameFor(object, holder)}`) ??
    nativeHolder(object, canonical, site)
  );
}

/** Addresses of a network that is routed natively are its ports' own, behind the uplink, too. */
function nativeHolder(object: WeftObject<object, object>, address: string, site: Site): string | undefined {
  const network = site.nativeNetworks().find(({ spec }) => spec.subnets.some(({ cidr }) => cidrContains(cidr, address)));
  return network && `in a subnet of ${nameFor(object, titleOf(network))}, which is routed natively`;
}

/** Problems of where an address is: it must be clear, what `uplink` says, and allowed there. `address` undefined: the uplink's own. */
export function placeProblems(
  address: IpAddress | undefined,
  place: Place | Nowhere,
  named: string | undefined,
  pointer: string,
): readonly Problem[] {
  if (place.uplink === undefined)
    return place.passing
      ? []
      : [{ pointer: '/spec/uplink', message: `${place.reason}, as no subnet of one holds the address`, fix: place.fix }];
  const { name } = place.uplink.metadata;
  const message = address && notAllowed(address, place.uplink);
  if (address !== undefined && message !== undefined) {
    const allowed = (place.uplink.spec.allowedPrefixes ?? []).slice(0, mostNamed).join(', ');
    const fix = `${allowed === '' ? '' : `choose one in ${allowed}, or `}have the administrator allow it`;
    return [{ pointer, message: `${formatIp(address)} is ${message}`, fix }];
  }
  if (named === undefined || named === name) return [];
  const elsewhere = `the address lies in a subnet of Uplink/${name}, not of Uplink/${named}`;
  return [{ pointer, message: elsewhere, fix: `choose another address, or say uplink: ${name}` }];
}
