/** DHCP options by number (RFC 2132 unless noted) and their values as bytes. */
import { ipv4Mask, readIpv4, writeIpv4 } from '@weft/kernel/contract/net';

export const optionCodes = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  domainNameServer: 6,
  hostName: 12,
  domainName: 15,
  interfaceMtu: 26,
  broadcastAddress: 28,
  ntpServers: 42,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverIdentifier: 54,
  parameterRequestList: 55,
  message: 56,
  maximumMessageSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  vendorClass: 60,
  clientIdentifier: 61,
  tftpServerName: 66,
  bootFile: 67,
  /** RFC 3046 */
  relayAgentInformation: 82,
  /** RFC 3397 */
  domainSearch: 119,
  /** RFC 3442 */
  classlessRoutes: 121,
  /** RFC 5859 */
  tftpServers: 150,
  end: 255,
} as const;

/** Values of option 53. */
export const messageTypes = { discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7, inform: 8 } as const;

/** A route given to a client. `nextHop` 0.0.0.0 means "on this link". */
export interface ClientRoute {
  /** `10.9.0.0/16` */
  readonly prefix: string;
  readonly nextHop: string;
}

export const uint8 = (value: number): Buffer => Buffer.from([value]);

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const text = (value: string): Buffer => Buffer.from(value, 'utf8');

export function addresses(values: readonly string[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    writeIpv4(bytes, index * 4, value);
  });
  return bytes;
}

/** The one address in `value`, or undefined when its length is not 4. */
export function readAddress(value: Buffer | undefined): string | undefined {
  return value?.length === 4 ? readIpv4(value, 0) : undefined;
}

/** RFC 3442: width of the prefix, its significant octets, next hop; bits beyond the width are cleared. */
export function classlessRoutes(routes: readonly ClientRoute[]): Buffer {
  return Buffer.concat(
    routes.map((route) => {
      const [network = '', width = ''] = route.prefix.split('/');
      const prefixLength = Number(width);
      const masked = addresses([network]).readUInt32BE() & ipv4Mask(prefixLength);
      const significant = uint32(masked >>> 0).subarray(0, Math.ceil(prefixLength / 8));
      return Buffer.concat([uint8(prefixLength), significant, addresses([route.nextHop])]);
    }),
  );
}

/** Text that a client chose, safe to show: printable ASCII, at most 64 characters, anything else as `?`. */
export function printable(value: Buffer | undefined): string {
  return (value ?? Buffer.alloc(0))
    .subarray(0, 64)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '?');
}
