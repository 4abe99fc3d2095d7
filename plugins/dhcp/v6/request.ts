/** What a client says, read strictly; and which messages a server discards (RFC 9915 §16, §18.4). Pure; nothing throws on bytes from a VM. */
import type { Message } from './codec.ts';
import { type IdentityAssociation, isIa, readIa } from './identity-association.ts';
import { messageTypes, type Option, optionCodes } from './option.ts';

export interface Request {
  readonly type: number;
  readonly transactionId: number;
  /** Option 1; only an Information-request may be without. */
  readonly clientId?: Option;
  readonly ias: readonly IdentityAssociation[];
  /** Codes of the option request option; undefined: the client did not send one. */
  readonly wanted?: readonly number[];
  readonly rapidCommit: boolean;
  /** First octet of the client FQDN option. */
  readonly fqdnFlags?: number;
  /** What the client says of itself (option 16); empty when it says nothing. */
  readonly vendorClass: Buffer;
}

/** Why a message is discarded; each is a counter. */
export type DiscardCause = 'malformed' | 'not-a-request' | 'other-server';

export type ReadRequest =
  | { readonly ok: true; readonly request: Request }
  | { readonly ok: false; readonly cause: DiscardCause; readonly reason: string };

type Presence = 'needed' | 'allowed' | 'forbidden';
interface Rule {
  readonly clientId: Presence;
  readonly serverId: Presence;
  readonly ia: Presence;
}

const selecting: Rule = { clientId: 'needed', serverId: 'forbidden', ia: 'allowed' };
const selected: Rule = { clientId: 'needed', serverId: 'needed', ia: 'allowed' };

/** §16.2 to §16.12, by message type. What is not here, no client sends to a server. */
const rules: Readonly<Record<number, Rule>> = {
  [messageTypes.solicit]: selecting,
  [messageTypes.request]: selected,
  [messageTypes.confirm]: selecting,
  [messageTypes.renew]: selected,
  [messageTypes.rebind]: selecting,
  [messageTypes.decline]: selected,
  [messageTypes.release]: selected,
  [messageTypes.informationRequest]: { clientId: 'allowed', serverId: 'allowed', ia: 'forbidden' },
};

/** §11.1: a type of 2 bytes, and up to 128 of what it says. */
const shortestDuid = 3;
export const longestDuid = 130;
/** More would only make a long reply. */
const mostIas = 16;
/** Lengths that an option of this code may have. */
const lengths: Readonly<Record<number, (length: number) => boolean>> = {
  [optionCodes.clientId]: (length) => length >= shortestDuid && length <= longestDuid,
  [optionCodes.serverId]: (length) => length >= shortestDuid && length <= longestDuid,
  [optionCodes.optionRequest]: (length) => length % 2 === 0,
  [optionCodes.elapsedTime]: (length) => length === 2,
  [optionCodes.rapidCommit]: (length) => length === 0,
  [optionCodes.clientFqdn]: (length) => length >= 1,
  [optionCodes.vendorClass]: (length) => length >= 4,
};

/** `serverId`: the server's DUID. */
export function readRequest({ type, transactionId, options }: Message, serverId: Buffer): ReadRequest {
  const rule = rules[type];
  if (rule === undefined) return discard('not-a-request', `message type ${type} is not one of a client`);
  const single = singles(options);
  if (typeof single === 'string') return discard('malformed', single);
  const ias = options.filter(([code]) => isIa(code)).map(readIa);
  if (!ias.every((ia) => ia !== undefined)) return discard('malformed', 'an identity association is cut short');
  if (ias.length > mostIas) return discard('malformed', `${ias.length} identity associations, at most ${mostIas} are answered`);
  const clientId = single.get(optionCodes.clientId);
  const wrong = broken(rule, clientId, single.get(optionCodes.serverId), ias.length > 0, serverId);
  if (wrong !== undefined) return wrong;
  const [wanted, fqdn] = [single.get(optionCodes.optionRequest), single.get(optionCodes.clientFqdn)];
  const request = {
    ...{ type, transactionId, ias },
    ...(clientId === undefined ? {} : { clientId: [optionCodes.clientId, clientId] as const }),
    ...(wanted === undefined ? {} : { wanted: codesIn(wanted) }),
    rapidCommit: single.has(optionCodes.rapidCommit),
    ...(fqdn === undefined ? {} : { fqdnFlags: fqdn.readUInt8(0) }),
    // Enterprise number 4, then fields that begin with their lengths: the first says enough.
    vendorClass: single.get(optionCodes.vendorClass)?.subarray(6) ?? Buffer.alloc(0),
  };
  return { ok: true, request };
}

/** Options of which a message has one at most, or what is wrong with one. */
function singles(options: readonly Option[]): Map<number, Buffer> | string {
  const found = new Map<number, Buffer>();
  for (const [code, value] of options) {
    const fits = lengths[code];
    if (fits === undefined) continue;
    if (!fits(value.length)) return `option ${code} has ${value.length} bytes`;
    if (found.has(code) && code !== optionCodes.vendorClass) return `option ${code} comes twice`;
    found.set(code, value);
  }
  return found;
}

function broken(rule: Rule, clientId: Buffer | undefined, named: Buffer | undefined, ia: boolean, own: Buffer): ReadRequest | undefined {
  if (clientId === undefined && rule.clientId === 'needed') return discard('malformed', 'no client identifier');
  if (named === undefined && rule.serverId === 'needed') return discard('malformed', 'no server identifier');
  if (named !== undefined && rule.serverId === 'forbidden') return discard('malformed', 'a server identifier where none may be');
  if (named !== undefined && !named.equals(own)) return discard('other-server', `client chose server ${named.toString('hex')}`);
  return ia && rule.ia === 'forbidden' ? discard('malformed', 'an identity association in an Information-request') : undefined;
}

function codesIn(value: Buffer): readonly number[] {
  return Array.from({ length: value.length / 2 }, (_, index) => value.readUInt16BE(index * 2));
}

function discard(cause: DiscardCause, reason: string): ReadRequest {
  return { ok: false, cause, reason };
}
