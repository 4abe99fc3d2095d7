/** A plugin that does what it may not: each act of `acts/` once, and floods. For tests alone. */
import { definePlugin } from '@weft/kernel/sdk';
import { Type } from 'typebox';
import { fileActs } from './acts/files.ts';
import { kindActs } from './acts/kinds.ts';
import { programActs } from './acts/programs.ts';
import { rowActs } from './acts/rows.ts';
import { socketActs } from './acts/sockets.ts';
import { floods } from './floods.ts';
import { type Act, type Target, tap, worldOf } from './world.ts';

await tap();

const acts = new Map<string, Act>([...kindActs, ...rowActs, ...socketActs, ...fileActs, ...programActs].map((act) => [act.name, act]));
const actsMs = 8_000;

const outcome = Type.Object({ name: Type.String(), refused: Type.Boolean(), text: Type.String() });

function textOf(value: unknown): string {
  const text =
    value instanceof Error
      ? `${value.name}: ${value.message}`
      : JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part));
  return (text ?? 'done').slice(0, 300);
}

async function attempt(name: string, work: () => unknown, deadlineMs = actsMs) {
  const late = new Promise((resolve) => setTimeout(() => resolve('no answer, no refusal'), deadlineMs));
  try {
    return { name, refused: false, text: textOf(await Promise.race([Promise.resolve().then(work), late])) };
  } catch (thrown) {
    return { name, refused: true, text: textOf(thrown) };
  }
}

export default definePlugin({
  name: 'hostile',
  summary: 'Does what a plugin may not, for tests.',
  needs: ['network'],
  kinds: [
    {
      kind: 'Mischief',
      plural: 'mischiefs',
      scope: 'project',
      schemaVersion: 1,
      summary: 'An object of the hostile plugin.',
      spec: Type.Object({ size: Type.Optional(Type.String()) }, { additionalProperties: false }),
      status: Type.Object({}, { additionalProperties: true }),
      references: [],
      columns: [],
    },
  ],
  operations: [
    {
      name: 'acts',
      summary: 'List the acts.',
      stream: false,
      input: Type.Object({}, { additionalProperties: false }),
      output: Type.Object({ items: Type.Array(Type.String()) }),
    },
    {
      name: 'act',
      summary: 'Do one forbidden thing and tell what came of it.',
      stream: false,
      input: Type.Object({ name: Type.String(), target: Type.Unknown() }, { additionalProperties: false }),
      output: outcome,
    },
    {
      name: 'flood',
      summary: 'Begin one of the floods, for so many milliseconds.',
      stream: false,
      input: Type.Object({ name: Type.String(), ms: Type.Integer() }, { additionalProperties: false }),
      output: outcome,
    },
  ],
  puntClasses: [{ name: 'mischief', rate: 1_000, burst: 100, portRate: 100, portBurst: 10 }],
  grants: { rows: ['service'], reads: ['Port'], writes: ['LogicalRouter'] },
  config: Type.Object({}, { additionalProperties: false }),
  start(context) {
    const world = worldOf(context as never);
    return {
      operations: {
        acts: () => ({ items: [...acts.keys()] }),
        act: async ({ name, target }: { name: string; target: Target }) => {
          const act = acts.get(name);
          if (act === undefined) throw new Error(`no act ${name}`);
          const made = await world;
          return attempt(name, () => act.run(made, target));
        },
        flood: async ({ name, ms }: { name: string; ms: number }) => {
          const flood = floods[name];
          if (flood === undefined) throw new Error(`no flood ${name}`);
          const made = await world;
          // The answer leaves first.
          setTimeout(async () => {
            const end = await attempt(name, () => flood(made, performance.now() + ms), ms + actsMs);
            context.log.warn(end, 'the flood has ended');
          }, 100);
          return { name, refused: false, text: 'begun' };
        },
      },
    };
  },
});
