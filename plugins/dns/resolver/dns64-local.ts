/** DNS64 among names that are answered here: what it needs is at hand, or not ours to tell. Pure. */

import type { Question } from '../message/codec.ts';
import { recordTypes } from '../message/iana.ts';
import type { Name } from '../message/name.ts';
import type { Resolution } from '../zone/authority.ts';
import { aliasedTo, type Dns64Prefix, lacksAddresses, resolutionFrom, reverseTarget, wantsDns64 } from './dns64.ts';
import type { QueryFlags } from './query.ts';

/** `outside`: aliases lead to this name, which is not ours. */
type Local = Resolution & { readonly outside?: Name };

/**
 * The answer of `look`, with addresses made where they are missing, and names of such addresses. Undefined as `look` is: a question for upstreams,
 * whose answers get the same by `withDns64`.
 */
export function withLocalDns64(
  question: Question,
  flags: QueryFlags,
  prefix: Dns64Prefix,
  look: (question: Question) => Local | undefined,
): Local | undefined {
  const target = reverseTarget(question, prefix);
  const named = target && look({ ...question, name: target });
  if (target !== undefined && named !== undefined) return aliasedTo(question, target, named);
  const found = look(question);
  if (found === undefined || found.outside !== undefined || !wantsDns64(question, flags) || !lacksAddresses(found)) return found;
  const ipv4 = look({ ...question, type: recordTypes.A });
  return ipv4 === undefined || ipv4.outside !== undefined ? found : resolutionFrom(found, ipv4, prefix);
}
