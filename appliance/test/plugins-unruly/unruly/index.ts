/** A plugin without manners: on demand it takes more than its limits. For tests alone. */
import { readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { definePlugin } from '@weft/kernel/sdk';
import { Type } from 'typebox';

const mib = 1024 * 1024;
const kept: Buffer[] = [];
const acts = {
  /** Takes memory and keeps it. */
  async leak() {
    for (;;) {
      kept.push(Buffer.alloc(mib, kept.length));
      await turn();
    }
  },
  spin() {
    for (;;);
  },
  /** Processes that wait, and their children, by libc itself: Node would refuse. */
  fork() {
    const koffi = createRequire(import.meta.resolve('@weft/kernel/sdk'))('koffi') as {
      load(path: string): { func(declaration: string): () => number };
    };
    const libc = koffi.load('libc.so.6');
    const [fork, pause] = [libc.func('int fork()'), libc.func('int pause()')];
    for (let made = 0; made < 1_000; made++) if (fork() === 0) pause();
  },
  fill(stateDir: string) {
    for (let file = 0; file < 16; file++) writeFileSync(join(stateDir, `${file}`), Buffer.alloc(mib, 1));
  },
  async chatter() {
    for (let line = 0; line < 30_000; line++) {
      process.stdout.write(`{"chatter":${line},"pad":"${'x'.repeat(80)}"}\n`);
      if (line % 10 === 0) await turn();
    }
  },
};

export default definePlugin({
  name: 'unruly',
  summary: 'Takes more than it may, for tests.',
  operations: [
    {
      name: 'look',
      summary: 'Tell what it sees.',
      stream: false,
      input: Type.Object({}, { additionalProperties: false }),
      output: Type.Object({ root: Type.Array(Type.String()), run: Type.Array(Type.String()), interfaces: Type.Array(Type.String()) }),
    },
    {
      name: 'act',
      summary: 'Begin to misbehave.',
      stream: false,
      input: Type.Object({ name: Type.String() }, { additionalProperties: false }),
      output: Type.Object({}),
    },
  ],
  limits: { memoryMib: 160, tasks: 32, stateMib: 8 },
  config: Type.Object({}, { additionalProperties: false }),
  start({ stateDir }) {
    return {
      operations: {
        look: () => ({ root: readdirSync('/'), run: readdirSync(join(stateDir, '..')), interfaces: Object.keys(networkInterfaces()) }),
        act: ({ name }: { name: keyof typeof acts }) => {
          setTimeout(() => void acts[name](stateDir), 50);
          return {};
        },
      },
    };
  },
});
