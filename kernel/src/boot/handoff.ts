/** The document that a child finds on descriptor 3. */
import { closeSync, readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { fail, type Handoff } from '../../contract/system/index.ts';

const handoffDescriptor = 3;

/** Read once, at the start of a child. */
export function readHandoff(): Handoff {
  try {
    const handoff = JSON.parse(readFileSync(handoffDescriptor, 'utf8')) as Handoff;
    closeSync(handoffDescriptor);
    return handoff;
  } catch (cause) {
    throw fail('MALFORMED', `no handoff on descriptor ${handoffDescriptor}: ${(cause as Error).message}`, 'start Weft with: weft up');
  }
}

export function writeHandoff(pipe: Writable, handoff: Handoff): void {
  // A child that dies before it reads is noticed by its exit.
  pipe.on('error', () => undefined);
  pipe.end(JSON.stringify(handoff));
}
