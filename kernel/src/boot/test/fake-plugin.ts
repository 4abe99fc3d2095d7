/** Stands for a plugin: notes who it is, then waits. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHandoff } from '../handoff.ts';

const handoff = readHandoff();
const report = { handoff, status: readFileSync('/proc/self/status', 'utf8'), pid: process.pid, cwd: process.cwd(), entry: process.argv[2] };
writeFileSync(join(handoff.stateDir, 'plugin.json'), JSON.stringify(report));
setInterval(() => undefined, 1_000);
