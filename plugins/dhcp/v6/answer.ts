/**
 * What the server says: (request, assignment, settings) → reply or silence. Pure. RFC 9915 §18.3 for a server that knows exactly what each client
 * has: its port's addresses, all of them in one IA_NA. Needs no memory of earlier messages.
 */
import { prefixContains, readIp } from '@weft/kernel/contract/net';
import type { Outcome } from '../ledger.ts';
import type { Assignment } from './assignment.ts';
import { addressIn, ended, type IdentityAssociation, iaAddress, writeIa } from './identity-association.ts';
import { messageTypes, type Option, optionCodes, status, statusCodes } from './option.ts';
import type { Request } from './request.ts';

export interface AnswerSettings {
  readonly leaseSeconds: number;
}

export type Answer =
  | {
      readonly kind: 'reply';
      readonly type: number;
      readonly outcome: Outcome;
      /** Why the client did not get what it asked for; empty when it did. */
      readonly reason: string;
      /** Address that it is about; empty without one. */
      readonly address: string;
      /** Seconds of the lease; 0 when none was given. */
      readonly leaseSeconds: number;
      /** What the reply must hold besides the identifiers. */
      readonly options: readonly Option[];
      /** Network parameters are asked for in it. */
      readonly informs: boolean;
    }
  | { readonly kind: 'silence'; readonly reason: string };

type Reply = Answer & { readonly kind: 'reply' };
type Facts = Pick<Assignment, 'addresses' | 'onLink'>;

/** §21.8: nobody else serves here, so clients need not wait for other servers. */
const preference: Option = [optionCodes.preference, Buffer.from([255])];
const noAddress = 'port has no address in an IPv6 subnet with dhcp';

export function answer(request: Request, facts: Facts, settings: AnswerSettings): Answer {
  switch (request.type) {
    case messageTypes.solicit:
      return answerSolicit(request, facts, settings);
    case messageTypes.request:
    case messageTypes.renew:
    case messageTypes.rebind:
      return lease(request, facts, settings, messageTypes.reply);
    case messageTypes.confirm:
      return answerConfirm(request, facts);
    case messageTypes.release:
    case messageTypes.decline:
      return answerReturn(request, facts);
    default:
      return { ...blank, type: messageTypes.reply, outcome: 'acknowledged', reason: 'parameters only', options: [], informs: true };
  }
}

const blank = { kind: 'reply', address: '', leaseSeconds: 0, informs: false } as const;

/** §18.3.1: committed at once when the client offers that and there is something to commit. */
function answerSolicit(request: Request, facts: Facts, settings: AnswerSettings): Reply {
  const rapid = request.rapidCommit && facts.addresses.length > 0 && request.ias.some(({ code }) => code === optionCodes.iaNa);
  const said = lease(request, facts, settings, rapid ? messageTypes.reply : messageTypes.advertise);
  const first: readonly Option[] = rapid ? [[optionCodes.rapidCommit, Buffer.alloc(0)]] : [preference];
  return { ...said, options: [...first, ...said.options] };
}

function lease(request: Request, facts: Facts, settings: AnswerSettings, type: number): Reply {
  const chosen = chosenIa(request, facts);
  const options = request.ias.map((ia) => answerIa(ia, ia === chosen, request, facts, settings));
  const said = { ...blank, type, options, informs: true };
  const reason = refusal(chosen, request, facts);
  const [address] = facts.addresses;
  if (reason !== '' || address === undefined) return { ...said, outcome: 'refused', reason };
  if (type === messageTypes.advertise) return { ...said, outcome: 'offered', reason, address: readIp(address) };
  return { ...said, outcome: 'acknowledged', reason, address: readIp(address), leaseSeconds: settings.leaseSeconds };
}

/** Why the client gets no address; empty when it gets one. */
function refusal(chosen: IdentityAssociation | undefined, { type }: Request, facts: Facts): string {
  if (chosen === undefined) return 'client asks for no address (no IA_NA)';
  if (facts.addresses.length === 0) return noAddress;
  return (type === messageTypes.request ? strangerTo(chosen, facts) : undefined) ?? '';
}

/** The IA_NA that has the port's addresses: the one in which the client says that it does, else the first. */
function chosenIa({ ias }: Request, facts: Facts): IdentityAssociation | undefined {
  const asked = ias.filter(({ code }) => code === optionCodes.iaNa);
  return asked.find(({ leases }) => leases.some((each) => isOwn(each, facts))) ?? asked[0];
}

function answerIa(ia: IdentityAssociation, chosen: boolean, { type }: Request, facts: Facts, settings: AnswerSettings): Option {
  if (!chosen) return answerOther(ia, type);
  const stranger = type === messageTypes.request ? strangerTo(ia, facts) : undefined;
  if (stranger !== undefined) return writeIa(ia, [status(statusCodes.notOnLink, stranger)]);
  const { leaseSeconds } = settings;
  const lifetimes = { preferredSeconds: leaseSeconds, validSeconds: leaseSeconds };
  const extended = type === messageTypes.renew || type === messageTypes.rebind;
  const stale = extended ? ia.leases.filter((each) => !isOwn(each, facts)).map((each) => ended(ia.code, each)) : [];
  const given = facts.addresses.map((address) => iaAddress(address, lifetimes));
  if (given.length + stale.length === 0) return writeIa(ia, [status(statusCodes.noAddrsAvail, noAddress)]);
  return given.length === 0 ? writeIa(ia, stale) : writeIa(ia, [...given, ...stale], ...timesOf(leaseSeconds));
}

/** §21.4: T1 is 1/2, T2 4/5 of the lifetime. */
const timesOf = (leaseSeconds: number): [t1: number, t2: number] => [Math.floor(leaseSeconds / 2), Math.floor((leaseSeconds * 4) / 5)];

/** Temporary addresses, prefixes, and further IA_NAs: there is none to give (§18.3.1, §18.3.2), extend (§18.3.4) or keep (§18.3.5). */
function answerOther(ia: IdentityAssociation, type: number): Option {
  if (type === messageTypes.renew) return writeIa(ia, [status(statusCodes.noBinding, 'nothing of this kind is lent')]);
  const none =
    ia.code === optionCodes.iaPd
      ? status(statusCodes.noPrefixAvail, 'no prefixes are delegated')
      : status(statusCodes.noAddrsAvail, ia.code === optionCodes.iaTa ? 'no temporary addresses' : 'one IA_NA has all addresses');
  if (type !== messageTypes.rebind) return writeIa(ia, [none]);
  return writeIa(ia, ia.leases.length === 0 ? [none] : ia.leases.map((each) => ended(ia.code, each)));
}

/**
 * §18.3.3. Differs: an address of the network that another port has is said not to be on link either, so that the client asks anew at once instead
 * of going on with what it cannot use.
 */
function answerConfirm(request: Request, facts: Facts): Answer {
  const leases = request.ias.filter(({ code }) => code !== optionCodes.iaPd).flatMap((ia) => ia.leases);
  if (leases.length === 0) return { kind: 'silence', reason: 'confirm without an address' };
  const wrong = leases.find((each) => !isOwn(each, facts));
  const reason = wrong === undefined ? '' : `${readIp(addressIn(wrong))} is not an address of this port`;
  const options = [wrong === undefined ? status(statusCodes.success, '') : status(statusCodes.notOnLink, reason)];
  const outcome = wrong === undefined ? 'acknowledged' : 'refused';
  return { ...blank, type: messageTypes.reply, outcome, reason, options };
}

/** §18.3.7, §18.3.8: success in any case; associations that hold nothing of the port's are named. */
function answerReturn(request: Request, facts: Facts): Reply {
  const declined = request.type === messageTypes.decline;
  const unknown = request.ias.filter((ia) => ia.code !== optionCodes.iaNa || !ia.leases.some((each) => isOwn(each, facts)));
  const own = request.ias.flatMap(({ leases }) => leases).find((each) => isOwn(each, facts));
  const address = own === undefined ? '' : readIp(addressIn(own));
  const noted = declined ? `client found ${address} in use` : 'client gave the address back';
  return {
    ...blank,
    type: messageTypes.reply,
    outcome: own === undefined ? 'refused' : declined ? 'declined' : 'released',
    reason: own === undefined ? 'client returns what it does not have' : noted,
    address,
    options: [
      status(statusCodes.success, ''),
      ...unknown.map((ia) => writeIa(ia, [status(statusCodes.noBinding, 'not an address of this port')])),
    ],
  };
}

const isOwn = (leased: Buffer, { addresses }: Facts): boolean => addresses.some((address) => address.equals(addressIn(leased)));

/** Which address of a Request's IA_NA is of no subnet of the network (§18.3.2), in words. */
function strangerTo({ leases }: IdentityAssociation, { onLink }: Facts): string | undefined {
  for (const each of leases) {
    const address = { family: 6, value: BigInt(`0x${addressIn(each).toString('hex')}`) } as const;
    if (!onLink.some((prefix) => prefixContains(prefix, address))) return `${readIp(addressIn(each))} is not of this network`;
  }
  return undefined;
}
