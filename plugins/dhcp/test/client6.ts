/** A DHCPv6 client's messages for tests, and what its port has. */
import { ipBytes, parseIp } from '@weft/kernel/contract/net';
import { buildMessage, type Message, parseMessage, writeOptions } from '../v6/codec.ts';
import { type Option, optionCodes, uint32 } from '../v6/option.ts';

export const clientDuid = Buffer.from('00030001020000000001', 'hex');
export const serverDuid = Buffer.from('0003000100005e000100', 'hex');
export const clientId: Option = [optionCodes.clientId, clientDuid];
export const serverId: Option = [optionCodes.serverId, serverDuid];

export function bytesOf(address: string): Buffer {
  const parsed = parseIp(address);
  if (parsed === undefined) throw new Error(`${address} is no address`);
  return ipBytes(parsed);
}

/** An IA_NA with these addresses, as a client asks for it. */
export const iaNa = (iaid: number, ...addresses: readonly string[]): Option => [
  optionCodes.iaNa,
  Buffer.concat([uint32(iaid, 0, 0), ...addresses.map((address) => writeOptions([lease(address)]))]),
];
export const iaTa = (iaid: number): Option => [optionCodes.iaTa, uint32(iaid)];
export const iaPd = (iaid: number, ...options: readonly Option[]): Option => [
  optionCodes.iaPd,
  Buffer.concat([uint32(iaid, 0, 0), writeOptions(options)]),
];
export const lease = (address: string): Option => [optionCodes.iaAddress, Buffer.concat([bytesOf(address), uint32(0, 0)])];
export const wanting = (...codes: readonly number[]): Option => [
  optionCodes.optionRequest,
  Buffer.from(codes.flatMap((code) => [code >> 8, code & 0xff])),
];

/** A message with the options; of a transaction that is always the same. */
export const message = (type: number, ...options: readonly Option[]): Message => ({ type, transactionId: 0x123456, options });
export const payload = (type: number, ...options: readonly Option[]): Buffer => buildMessage(message(type, ...options));

export function parsed(bytes: Buffer): Message {
  const read = parseMessage(bytes);
  if (read === undefined) throw new Error('not a DHCPv6 message');
  return read;
}

export const optionOf = ({ options }: Pick<Message, 'options'>, code: number): Buffer | undefined =>
  options.find(([each]) => each === code)?.[1];
