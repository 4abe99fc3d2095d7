/** DHCPv6 by numbers (RFC 9915 unless noted), and option values as bytes. */
import { ipBytes, parseIp } from '@weft/kernel/contract/net';

export const messageTypes = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
  reconfigure: 10,
  informationRequest: 11,
  relayForward: 12,
  relayReply: 13,
} as const;

export const optionCodes = {
  clientId: 1,
  serverId: 2,
  iaNa: 3,
  iaTa: 4,
  iaAddress: 5,
  optionRequest: 6,
  preference: 7,
  elapsedTime: 8,
  relayMessage: 9,
  statusCode: 13,
  rapidCommit: 14,
  vendorClass: 16,
  interfaceId: 18,
  /** RFC 3646 */
  dnsServers: 23,
  domainList: 24,
  iaPd: 25,
  iaPrefix: 26,
  /** RFC 4075 */
  sntpServers: 31,
  informationRefreshTime: 32,
  /** RFC 4704 */
  clientFqdn: 39,
  /** RFC 5908 */
  ntpServer: 56,
  solMaxRt: 82,
  infMaxRt: 83,
} as const;

export const statusCodes = { success: 0, noAddrsAvail: 2, noBinding: 3, notOnLink: 4, noPrefixAvail: 6 } as const;

export type Option = readonly [code: number, value: Buffer];

/** Values of 32 bits, one behind the other. */
export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, index * 4);
  });
  return bytes;
}

/** 16 bytes for each; what is no IPv6 address is left out. */
export function addresses(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const address = parseIp(text);
      return address?.family === 6 ? [ipBytes(address)] : [];
    }),
  );
}

/** §21.13. */
export function status(code: number, message: string): Option {
  return [optionCodes.statusCode, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(message)])];
}

/** RFC 5908 §4: a suboption 1 (unicast address) for each server. */
export function ntpServers(texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map((text) => Buffer.concat([Buffer.from([0, 1, 0, 16]), addresses([text])])));
}
