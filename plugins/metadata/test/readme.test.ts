import { readFileSync } from 'node:fs';
import { startPlugin } from '@weft/kernel/sdk/testing';
import test from 'ava';
import { refusalReasons } from '../http/tally.ts';
import plugin from '../index.ts';
import { fetchOnce } from './client.ts';
import { ports, tenants } from './world.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const rows = [...readme.matchAll(/^\| `(\/[^`]*)` +\| (\S.*?) +\|$/gm)];

test('the README’s paths have the README’s answers', async (t) => {
  t.is(rows.length, 8);
  const running = await startPlugin(plugin, { objects: tenants });
  t.teardown(() => running.stop());
  for (const [, path = '', expected = ''] of rows) {
    const { status, text } = await fetchOnce(running, ports.web1, path);
    t.is(status === 200 ? text : `${status}`, expected, path);
  }
});

test('the README names every setting, operation, verb, kind, metric and reason', (t) => {
  const settings = Object.keys((plugin.config as unknown as { properties: object }).properties);
  const operations = (plugin.operations ?? []).flatMap(({ name, cli }) => [name, `weft ${cli?.verb}`]);
  const kinds = (plugin.kinds ?? []).map(({ kind }) => kind);
  for (const name of [...settings, ...operations, ...kinds, ...refusalReasons]) t.true(readme.includes(`\`${name}\``), name);
});

test('the defaults in the README are those of the settings', (t) => {
  const { properties } = plugin.config as unknown as { properties: Record<string, { default: unknown }> };
  for (const [name, { default: value }] of Object.entries(properties)) {
    const shown = new RegExp(`^\\| \`${name}\` +\\| (\\S+) +\\|`, 'm').exec(readme)?.[1];
    const wanted = Array.isArray(value) ? value.join(', ') : undefined;
    if (wanted === undefined) t.is(shown?.replaceAll(/[`,]/g, ''), `${value}`, name);
    else t.true(readme.includes(wanted), name);
  }
});
