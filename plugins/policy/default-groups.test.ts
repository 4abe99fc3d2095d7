import { setTimeout as sleep } from 'node:timers/promises';
import { formatKey, type ObjectInput, type ObjectKey, type WeftObject } from '@weft/kernel/contract/system';
import { type ErrorCode, fail } from '@weft/kernel/sdk';
import test from 'ava';
import { DefaultGroups } from './default-groups.ts';
import { project } from './test/world.ts';

/** A kernel with projects that answers each apply with the next of `answers`, then takes everything. */
function kernel(names: readonly string[], answers: (ErrorCode | ((inputs: readonly ObjectInput[]) => ErrorCode | undefined))[] = []) {
  const groups = new Set<string>();
  const asked: number[] = [];
  const projects = names.map(project);
  const objects = {
    list: () => projects as never,
    get: (key: ObjectKey) => (groups.has(formatKey(key)) ? ({} as never) : undefined),
  };
  const apply = async (inputs: readonly ObjectInput[]): Promise<void> => {
    asked.push(inputs.length);
    const answer = answers.shift();
    const code = typeof answer === 'function' ? answer(inputs) : answer;
    if (code !== undefined) throw fail(code, 'no');
    for (const { metadata } of inputs) groups.add(`SecurityGroup/${metadata.project}/${metadata.name}`);
  };
  const made = new DefaultGroups({ objects, apply, log: { debug: () => undefined } });
  return { groups, asked, projects, made, news: () => made.changed([{ kind: 'Project', name: 'x' }]) };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn += 1) await sleep(5);
}

test('every project gets one, also one that comes later', async (t) => {
  const { groups, projects, news, made } = kernel(['a', 'b']);
  made.changed([{ kind: 'Port', project: 'a', name: 'p' }]);
  t.is(groups.size, 0);
  news();
  await until(() => groups.size === 2);
  projects.push(project('c'));
  news();
  await until(() => groups.size === 3);
  t.deepEqual(
    [...groups],
    ['a', 'b', 'c'].map((name) => `SecurityGroup/${name}/default`),
  );
});

test('a kernel that cannot now is asked again', async (t) => {
  const { groups, asked, news } = kernel(['a'], ['UNAVAILABLE', 'DEADLINE']);
  news();
  await until(() => groups.size === 1);
  t.deepEqual(asked, [1, 1, 1]);
});

test('a project in which somebody else made one keeps no other from its own', async (t) => {
  const taken = (inputs: readonly ObjectInput[]): ErrorCode | undefined =>
    inputs.some(({ metadata }) => metadata.project === 'b') ? 'CONFLICT' : undefined;
  const { groups, asked, news } = kernel(['a', 'b', 'c'], [taken, taken, taken, taken]);
  news();
  await until(() => groups.size === 2);
  await sleep(50);
  t.deepEqual([...groups], ['SecurityGroup/a/default', 'SecurityGroup/c/default']);
  t.deepEqual(asked, [3, 1, 1, 1]);
});

test('a project that is being deleted gets none', async (t) => {
  const { groups, projects, news } = kernel(['a']);
  const [first] = projects as WeftObject[];
  if (first !== undefined) projects[0] = { ...first, metadata: { ...first.metadata, deletedAt: '2026-01-01T00:00:00Z' } };
  news();
  await sleep(20);
  t.is(groups.size, 0);
});
