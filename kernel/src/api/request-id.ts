/** Names of requests: random, so that nobody learns from his own how many there are of others. */
import { randomFillSync } from 'node:crypto';

const idBytes = 8;
/** Filled at once: the system takes as long for a few bytes as for many. */
const pool = Buffer.alloc(idBytes * 512);
let at = pool.length;

/** 16 hexadecimal digits. */
export function requestId(): string {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  at += idBytes;
  return pool.toString('hex', at - idBytes, at);
}
