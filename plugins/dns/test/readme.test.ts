import { readFileSync } from 'node:fs';
import { makeObject, startPlugin } from '@weft/kernel/sdk/testing';
import test from 'ava';
import plugin from '../index.ts';
import type { DnsRecord } from '../kinds.ts';
import { started } from './asking.ts';
import { tenants } from './world.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const settings = JSON.parse(/```json\n(.*?)```/s.exec(readme)?.[1] ?? '');
const rows = [...(readme.split('With these records')[0] ?? '').matchAll(/^\| `([^`]+)` +\| (A|AAAA|PTR|TXT) +\| (\S+) +\|$/gm)];

test('the README’s questions have the README’s answers', async (t) => {
  t.is(rows.length, 10);
  const { ask } = await started(t, tenants, settings);
  for (const [, question = '', type = '', expected = ''] of rows) {
    const { rcode, data } = await ask(1, question, type);
    t.is(data[0]?.replace(/\.$/, '') ?? (rcode === 3 ? 'NXDOMAIN' : 'NODATA'), expected, question);
  }
});

test('the README names every setting and counter', async (t) => {
  const running = await startPlugin(plugin);
  t.teardown(() => running.stop());
  const { items } = (await running.operation('counters')) as { items: { name: string }[] };
  const settingNames = Object.keys((plugin.config as unknown as { properties: object }).properties);
  for (const name of [...settingNames, ...items.map((item) => item.name)]) t.true(readme.includes(`\`${name}\``), name);
});

test('the README’s records are admitted and answered as it says', async (t) => {
  const [, objects = ''] = [...readme.matchAll(/```json\n(.*?)```/gs)].map(([, json]) => json);
  const records = (JSON.parse(objects) as DnsRecord[]).map(({ metadata, spec }) =>
    makeObject<DnsRecord>('DnsRecord', metadata.name, spec, { project: 'a' }),
  );
  const table = /last of the answer(.*?)\n\n/s.exec(readme)?.[1] ?? '';
  const answered = [...table.matchAll(/^\| `([^`]+)` +\| (\S+) +\| (.+?) +\|$/gm)];
  t.is(answered.length, 6);
  const { running, ask } = await started(t);
  t.deepEqual((await running.write(records)).refusals, []);
  for (const [, question = '', type = '', last] of answered) t.is((await ask(1, question, type)).data.at(-1), last, question);
});
