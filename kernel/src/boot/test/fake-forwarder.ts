/** Stands for the forwarder: counts its starts in the state memory, notes handoff and peers, says ready. */
import { readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readHandoff } from '../handoff.ts';

const memory = 4;
const handoff = readHandoff();
const counter = Buffer.alloc(1);
readSync(memory, counter, 0, 1, 0);
const starts = (counter[0] ?? 0) + 1;
writeSync(memory, Buffer.from([starts]), 0, 1, 0);
const note = (name: string, value: unknown): void => writeFileSync(join(handoff.stateDir, name), JSON.stringify(value));
note('forwarder.json', { handoff, pid: process.pid, starts });
process.on('message', (message) => note('peers.json', message));
process.send?.({ type: 'ready' });
process.on('SIGTERM', () => process.exit(0));
