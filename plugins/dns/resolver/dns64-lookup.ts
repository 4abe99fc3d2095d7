/** DNS64 around whatever answers questions: first what there is, then what can be made of it. */
import type { Question } from '../message/codec.ts';
import { recordTypes } from '../message/iana.ts';
import type { Resolution } from '../zone/authority.ts';
import { aliasedTo, type Dns64Prefix, lacksAddresses, resolutionFrom, reverseTarget, wantsDns64, withoutExcluded } from './dns64.ts';
import { answerIpv4Only } from './ipv4only.ts';
import type { QueryFlags } from './query.ts';

/** At once when the answer is at hand. */
export type Answering = Resolution | Promise<Resolution>;

/** The answer of `lookUp`, with addresses made where they are missing, names of such addresses, and ipv4only.arpa. */
export function withDns64(
  question: Question,
  flags: QueryFlags,
  prefix: Dns64Prefix,
  lookUp: (question: Question) => Answering,
): Answering {
  const answer = (asked: Question): Answering => answerIpv4Only(asked) ?? lookUp(asked);
  const target = reverseTarget(question, prefix);
  if (target !== undefined) return then(answer({ ...question, name: target }), (found) => aliasedTo(question, target, found));
  if (!wantsDns64(question, flags)) return answer(question);
  return then(answer(question), (found) => {
    const told = withoutExcluded(found);
    if (!lacksAddresses(told)) return told;
    return then(answer({ ...question, type: recordTypes.A }), (ipv4) => resolutionFrom(told, ipv4, prefix));
  });
}

function then(value: Answering, next: (resolution: Resolution) => Answering): Answering {
  return value instanceof Promise ? value.then(next) : next(value);
}
