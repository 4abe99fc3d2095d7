/** What a FloatingIp says, read: the address inside that it stands for. Pure. */
import { canonicalIp, type FloatingIp, type IpAddress, type Port, parseIp } from '@weft/kernel/contract/net';

/** Addresses that a port may be reached at, canonical: its own first, then those of its pairs that are no ranges. */
export function insideAddresses({ spec, status }: Pick<Port, 'spec' | 'status'>): readonly string[] {
  const pairs = (spec.allowedAddressPairs ?? []).flatMap(({ address }) => {
    const [text = '', length] = address.split('/');
    const parsed = parseIp(text);
    const isOne = length === undefined || Number(length) === (parsed?.family === 4 ? 32 : 128);
    return parsed !== undefined && isOne && !isLinkLocal(parsed) ? [canonicalIp(text)] : [];
  });
  return [...status.addresses.map(canonicalIp), ...pairs];
}

/** The address of the port that a floating IP stands for, canonical; undefined: the port has none that fits. */
export function insideOf({ spec }: Pick<FloatingIp, 'spec'>, port: Pick<Port, 'spec' | 'status'>): string | undefined {
  const family = parseIp(spec.address)?.family;
  const fitting = insideAddresses(port).filter((text) => parseIp(text)?.family === family);
  const { address } = spec.target;
  return address === undefined ? fitting[0] : fitting.find((text) => text === canonicalIp(address));
}

function isLinkLocal({ family, value }: IpAddress): boolean {
  return family === 4 ? value >> 16n === 0xa9fen : value >> 118n === 0x3fan;
}
