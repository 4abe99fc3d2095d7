import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { armFailpoints, asyncFailpoint, failpoint, failpoints } from './failpoints.ts';

const sources = new URL('..', import.meta.url).pathname;

test('nothing acts until it is armed; the wanted pass acts, and no other', async (t) => {
  t.notThrows(() => failpoint('session.hello'));
  armFailpoints('session.hello=throw@2,session.ready=throw');
  t.notThrows(() => failpoint('session.hello'));
  t.throws(() => failpoint('session.hello'), { message: /session.hello was armed to throw/ });
  t.notThrows(() => failpoint('session.hello'));
  for (let pass = 0; pass < 2; pass += 1) await t.throwsAsync(asyncFailpoint('session.ready'));
});

test('a delay waits; in code that does not wait it holds all', async (t) => {
  armFailpoints('api.request=delay:30,session.before-list=delay:30');
  const begin = performance.now();
  const waiting = asyncFailpoint('api.request');
  t.true(performance.now() - begin < 30);
  await waiting;
  t.true(performance.now() - begin > 25);
  failpoint('session.before-list');
  t.true(performance.now() - begin > 50);
});

for (const text of ['nowhere=kill', 'api.request', 'api.request=explode', 'api.request=delay', 'api.request=kill@x'])
  test(`"${text}" is refused`, (t) => {
    t.throws(() => armFailpoints(text), { message: /arms no failpoint/ });
  });

test('each failpoint stands somewhere, and no place names another', (t) => {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.includes('.test.'),
  );
  const text = files
    .filter((file) => !file.startsWith('failpoints/'))
    .map((file) => readFileSync(join(sources, file), 'utf8'))
    .join('\n');
  t.deepEqual(
    failpoints.filter((name) => !text.includes(`'${name}'`)),
    [],
  );
  const named = [...text.matchAll(/ailpoint\('([^']*)'\)/g)].map(([, name]) => name ?? '');
  t.deepEqual(
    named.filter((name) => !(failpoints as readonly string[]).includes(name)),
    [],
  );
});
