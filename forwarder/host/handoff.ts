/** What the launcher hands over: descriptor 3, one JSON document to its end; descriptor 4 is the state memory. */
import { closeSync, readSync } from 'node:fs';
import { fail, type Handoff } from '@weft/kernel/contract/system';

const handoffDescriptor = 3;
export const stateDescriptor = 4;

/** Reads the document and closes the descriptor. Throws MALFORMED when it is missing or incomplete. */
export function readHandoff(descriptor = handoffDescriptor): Handoff {
  return parseHandoff(readToEnd(descriptor));
}

/** Checks the parts that this process relies on. */
export function parseHandoff(text: string): Handoff {
  let handoff: Partial<Handoff> | null;
  try {
    handoff = JSON.parse(text);
  } catch (cause) {
    throw malformed(`it is not JSON: ${(cause as Error).message}`);
  }
  if (typeof handoff?.runDir !== 'string') throw malformed('/runDir is missing');
  if (handoff.keys?.publicKey?.length !== 40 || handoff.keys.secretKey?.length !== 40)
    throw malformed('/keys needs two Z85 keys of 40 characters');
  if (!/^[a-z0-9]{1,3}$/.test(handoff.linkTag ?? '')) throw malformed('/linkTag needs 1 to 3 letters a-z or digits');
  return { name: 'forwarder', stateDir: '', logLevel: 'info', settings: {}, servers: { kernel: '', forwarder: '' }, ...handoff } as Handoff;
}

function malformed(what: string) {
  return fail('MALFORMED', `handoff (descriptor ${handoffDescriptor}): ${what}`, 'start the forwarder with: weft up');
}

function readToEnd(descriptor: number): string {
  const parts: Buffer[] = [];
  try {
    for (;;) {
      const part = Buffer.alloc(65_536);
      const length = readSync(descriptor, part);
      if (length === 0) break;
      parts.push(part.subarray(0, length));
    }
    closeSync(descriptor);
  } catch (cause) {
    throw malformed(`cannot be read: ${(cause as Error).message}`);
  }
  return Buffer.concat(parts).toString();
}
