import test from 'ava';
import { makeApi } from './test/api.ts';

test('a list holds the objects whose labels are asked for', async (t) => {
  const { ask, yaml } = await makeApi(t);
  const projects = [
    ['red', '{app: web}'],
    ['blue', '{app: db, old: "1"}'],
    ['green', '{}'],
  ].map(([name, labels]) => `{kind: Project, metadata: {name: ${name}, labels: ${labels}}}`);
  t.is((await yaml(projects.join('\n---\n'))).statusCode, 200);
  const listed = async (labels: string) => {
    const { items } = (await ask('GET', `/v1/projects?labels=${encodeURIComponent(labels)}`)).json<{
      items: { metadata: { name: string } }[];
    }>();
    return items.map(({ metadata }) => metadata.name);
  };
  t.deepEqual(await listed('app=web'), ['red']);
  t.deepEqual(await listed('app'), ['blue', 'red']);
  t.deepEqual(await listed('app,!old'), ['red']);
  t.deepEqual(await listed('app!=web'), ['blue', 'default', 'green']);
});

test('what selects no labels is refused with how to write it', async (t) => {
  const { ask } = await makeApi(t);
  const { statusCode, body } = await ask('GET', '/v1/projects?labels=a=b=c');
  t.is(statusCode, 400);
  t.regex(body, /selects no labels.*write labels=app=web/);
});
