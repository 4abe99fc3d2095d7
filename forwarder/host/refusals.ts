/** libforwarder's refusals as errors of the bus. */
import { type ErrorCode, fail, type WeftFailure } from '@weft/kernel/contract/system';
import { type ForwarderCode, ForwarderError } from '../binding/index.ts';

const table: Readonly<Record<ForwarderCode, readonly [code: ErrorCode, fix?: string]>> = {
  ARGUMENT: ['INVALID'],
  ROW: ['INVALID'],
  OWNER: ['FORBIDDEN', 'only the owner of a row may change it'],
  GENERATION: ['CONFLICT', 'call rows.begin and send all rows anew'],
  FULL: ['UNAVAILABLE', "remove objects or raise the forwarder's limits (maxPorts, stateMib)"],
  STATE: ['UNAVAILABLE'],
  MEMORY: ['UNAVAILABLE', "raise the forwarder's memoryMib or free memory of the host"],
  SYSTEM: ['INTERNAL'],
  EAL: ['INTERNAL'],
  TAKEN: ['CONFLICT'],
};

/** Passes other exceptions on; a wrong type or range in a plugin's call is INVALID, not a fault of this process. `where` precedes the sentence. */
export function refusal(thrown: unknown, where = ''): unknown {
  if (thrown instanceof TypeError || thrown instanceof RangeError) return fail('INVALID', where + thrown.message);
  if (!(thrown instanceof ForwarderError)) return thrown;
  const [code, fix] = table[thrown.code];
  return fail(code, where + thrown.message, fix) satisfies WeftFailure;
}
