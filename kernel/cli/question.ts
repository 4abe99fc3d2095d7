/** Asking before something that hurts. */
import { createInterface } from 'node:readline';
import type { Io } from './io.ts';

/** Whether the user agrees. Without a terminal there is nobody to ask, and a script has decided already. */
export async function agreed(io: Io, question: string): Promise<boolean> {
  const { isTTY = false } = io.stdin as { readonly isTTY?: boolean };
  if (!isTTY) return true;
  io.err(`${question} [y/N] `);
  const lines = createInterface({ input: io.stdin, signal: io.signal });
  for await (const line of lines) {
    lines.close();
    return /^y(es)?$/i.test(line.trim());
  }
  return false;
}
