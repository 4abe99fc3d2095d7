/** Which network parameters a reply carries, and in what space (RFC 9915 §18.3, §21.7). Pure. */
import { domainList } from '../domain-list.ts';
import type { AnswerSettings } from './answer.ts';
import type { Assignment } from './assignment.ts';
import { optionBytes } from './codec.ts';
import { messageTypes, type Option, optionCodes, uint32 } from './option.ts';
import type { Request } from './request.ts';

/** SOL_MAX_RT and INF_MAX_RT: a client behind a port that gets its address later waits no longer than this (default: an hour). */
const longestWaitSeconds = 120;
/** §7.6. */
const leastRefreshSeconds = 600;
/** What a client gets that sends no option request option: against the rules, and helpless without. */
const always: readonly number[] = [optionCodes.dnsServers, optionCodes.domainList];
/** RFC 4704 §4.1: the server updates names (S), against what the client asked for (O). */
const serverUpdates = 1;
const overridden = 2;

/** In the order in which the client asks, then custom options that it did not ask for; each once. */
export function wantedOptions(request: Request, assignment: Assignment, { leaseSeconds }: AnswerSettings): readonly Option[] {
  const own = new Map<number, Buffer>([
    [optionCodes.solMaxRt, uint32(longestWaitSeconds)],
    [optionCodes.infMaxRt, uint32(longestWaitSeconds)],
  ]);
  if (request.type === messageTypes.informationRequest) {
    own.set(optionCodes.informationRefreshTime, uint32(Math.max(leastRefreshSeconds, leaseSeconds)));
  }
  if (request.fqdnFlags !== undefined && assignment.fqdn !== '') own.set(optionCodes.clientFqdn, fqdn(request.fqdnFlags, assignment.fqdn));
  const asked = [...(request.wanted ?? always), optionCodes.clientFqdn, ...assignment.custom];
  return [...new Set(asked)].flatMap((code): readonly Option[] => {
    const value = assignment.options.get(code) ?? own.get(code);
    return value === undefined ? [] : [[code, value]];
  });
}

/** Names of ports are there whatever a client asks for. */
function fqdn(flags: number, name: string): Buffer {
  const asksServer = (flags & serverUpdates) !== 0;
  return Buffer.concat([Buffer.from([serverUpdates | (asksServer ? 0 : overridden)]), domainList([name])]);
}

/** The options that fit into `space` bytes, in order, and the codes of those that do not. */
export function fitting(
  options: readonly Option[],
  space: number,
): { readonly taken: readonly Option[]; readonly omitted: readonly number[] } {
  let left = space;
  const taken: Option[] = [];
  const omitted: number[] = [];
  for (const option of options) {
    if (optionBytes(option) > left) omitted.push(option[0]);
    else {
      taken.push(option);
      left -= optionBytes(option);
    }
  }
  return { taken, omitted };
}
