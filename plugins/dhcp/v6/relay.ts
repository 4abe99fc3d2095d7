/**
 * Relay messages (RFC 9915 §9, §19): what a relay put around a client's message comes off, and goes around the reply the same way. Pure; nothing
 * throws on bytes from a VM.
 *
 *   type 1 · hop count 1 · link address 16 · peer address 16 · options, among them Relay Message and perhaps Interface-Id
 */
import { optionBytes, readOptions, writeOptions } from './codec.ts';
import { messageTypes, type Option, optionCodes } from './option.ts';

/** One relay. Views into the message. */
export interface Hop {
  /** Hop count, link address and peer address. */
  readonly head: Buffer;
  readonly interfaceId?: Option;
}

export interface Relayed {
  /** From the relay nearest to this server to the one nearest to the client; empty when no relay was involved. */
  readonly hops: readonly Hop[];
  readonly message: Buffer;
}

const headBytes = 34;
/** HOP_COUNT_LIMIT (§7.6): relays count 0 to 8. */
const hopLimit = 9;

/** Undefined when a relay's message is malformed, says nothing, or went through more relays than may be. */
export function unwrap(bytes: Buffer): Relayed | undefined {
  const hops: Hop[] = [];
  let message = bytes;
  while (message[0] === messageTypes.relayForward) {
    const options = message.length < headBytes ? undefined : readOptions(message.subarray(headBytes));
    const inner = options?.filter(([code]) => code === optionCodes.relayMessage) ?? [];
    const interfaceId = options?.find(([code]) => code === optionCodes.interfaceId);
    if (inner[0] === undefined || inner.length > 1 || hops.length === hopLimit) return undefined;
    hops.push({ head: message.subarray(1, headBytes), ...(interfaceId === undefined ? {} : { interfaceId }) });
    message = inner[0][1];
  }
  return { hops, message };
}

/** §19.3: Interface-Id comes back as it was. */
export function wrap(hops: readonly Hop[], reply: Buffer): Buffer {
  return hops.reduceRight((message, { head, interfaceId }) => {
    const options: Option[] = [...(interfaceId === undefined ? [] : [interfaceId]), [optionCodes.relayMessage, message]];
    return Buffer.concat([Buffer.from([messageTypes.relayReply]), head, writeOptions(options)]);
  }, reply);
}

/** By how much `wrap` makes a reply longer. */
export function wrapBytes(hops: readonly Hop[]): number {
  return hops.reduce((sum, { interfaceId }) => sum + headBytes + 4 + (interfaceId === undefined ? 0 : optionBytes(interfaceId)), 0);
}
