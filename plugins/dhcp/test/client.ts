/** A DHCP client's messages for tests, and a port for it to be behind. */
import { toldOptions } from '../told-options.ts';
import type { Assignment } from '../v4/assignment.ts';
import { type DhcpMessage, noName } from '../v4/codec.ts';
import { addresses, optionCodes, uint8 } from '../v4/option.ts';

export const clientMac = '02:00:00:00:00:01';

export const assignment: Assignment = {
  mac: clientMac,
  address: '10.1.0.11',
  prefixLength: 24,
  gateway: '10.1.0.1',
  router: '10.1.0.1',
  dns: ['10.1.0.1'],
  domain: 'red.example',
  hostname: 'web1',
  mtuBytes: 1450,
  routes: [],
  told: toldOptions(4, []),
};

/** Options by code; `requested` and `server` as addresses. */
export interface Asked {
  readonly type?: number;
  readonly requested?: string;
  readonly server?: string;
  readonly list?: readonly number[];
  readonly options?: readonly [number, Buffer][];
}

export function clientMessage(asked: Asked, fields: Partial<DhcpMessage> = {}): DhcpMessage {
  const options = new Map<number, Buffer>();
  if (asked.type !== undefined) options.set(optionCodes.messageType, uint8(asked.type));
  if (asked.requested !== undefined) options.set(optionCodes.requestedAddress, addresses([asked.requested]));
  if (asked.server !== undefined) options.set(optionCodes.serverIdentifier, addresses([asked.server]));
  if (asked.list !== undefined) options.set(optionCodes.parameterRequestList, Buffer.from(asked.list));
  for (const [code, value] of asked.options ?? []) options.set(code, value);
  const none = '0.0.0.0';
  return {
    ...{ op: 1, htype: 1, hlen: 6, hops: 0, xid: 0x1234_5678, secs: 3, flags: 0 },
    ...{ ciaddr: none, yiaddr: none, siaddr: none, giaddr: none },
    chaddr: Buffer.from('02000000000100000000000000000000', 'hex'),
    ...{ sname: noName, file: noName },
    options,
    ...fields,
  };
}
