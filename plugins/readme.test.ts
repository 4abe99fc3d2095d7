/** Builds the plugin of the handbook from the page itself, checks its types, and runs it. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildUdpFrame, parseUdpFrame } from '@weft/kernel/contract/net';
import type { Manifest } from '@weft/kernel/contract/system';
import type { PluginDefinition } from '@weft/kernel/sdk';
import { makeObject, startPlugin } from '@weft/kernel/sdk/testing';
import test from 'ava';

const top = join(import.meta.dirname, '..');
const page = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
/** Fenced blocks that name a file, by that name. */
const files = new Map([...page.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map((match) => [match[1] ?? '', match[2] ?? '']));

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The plugin's folder as the page tells to make it, inside the clone so that its imports resolve. */
mkdirSync(join(top, 'build'), { recursive: true });
const folder = mkdtempSync(join(top, 'build', 'handbook-'));
for (const [name, text] of files) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

async function load(): Promise<PluginDefinition> {
  return ((await import(join(folder, 'hello', 'index.ts'))) as { default: PluginDefinition }).default;
}

test('hello has one kind, one operation, one punt class, one row, and fits on the page', async (t) => {
  const { kinds, operations, puntClasses, grants } = await load();
  t.deepEqual([kinds?.length, operations?.length, puntClasses?.length, grants?.rows?.length], [1, 1, 1, 1]);
  const lines = [...files].filter(([name]) => name.startsWith('hello/')).map(([, text]) => text.trim().split('\n').length);
  t.true(lines.reduce((sum, count) => sum + count, 0) < 100, `${lines} lines`);
});

test('the tool writes the manifest of hello', async (t) => {
  await promisify(execFile)(process.execPath, [join(top, 'kernel', 'tools', 'gen-manifests.ts'), folder]);
  const manifest = JSON.parse(readFileSync(join(folder, 'hello', 'manifest.json'), 'utf8')) as Manifest;
  t.like(manifest, {
    name: 'hello',
    version: '0.1.0',
    needs: ['network'],
    grants: { rows: ['service'], reads: ['VirtualNetwork'], writes: [] },
  });
  t.like(manifest.kinds[0]?.spec, { type: 'object', required: ['network', 'address', 'text'], additionalProperties: false });
});

test('hello passes the type check', async (t) => {
  t.timeout(180_000, 'the compiler reads the whole kernel');
  const config = { extends: '../../tsconfig.json', include: ['.'], exclude: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(top, 'node_modules', 'typescript', 'bin', 'tsc');
  const outcome = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error: { stdout: string }) => error);
  t.is(outcome.stdout, '');
});

test('hello answers a datagram in its network only, and counts', async (t) => {
  const example = JSON.parse(files.get('greeting.json') ?? '') as Example;
  const network = (name: string, id: number) =>
    makeObject('VirtualNetwork', name, { subnets: [], forwarding: 'l2_l3' }, { status: { id, vni: id, mtu: 1500, gateways: [] } });
  const hello = await startPlugin(await load(), { objects: [network('red', 4), network('blue', 5)] });
  t.teardown(() => hello.stop());
  t.deepEqual(hello.forwarder.rows(), []);
  await hello.put(makeObject(example.kind, example.metadata.name, example.spec));
  const [row] = hello.forwarder.rows('service');
  t.like(row, { vrf: 4, address: '10.1.0.1', protocol: 17, l4Port: 7, puntClass: hello.forwarder.classNumber('hello') });

  const asked = {
    src: '10.1.0.11',
    dst: '10.1.0.1',
    srcMac: '02:00:00:00:00:11',
    dstMac: '00:00:5e:00:01:00',
    srcPort: 40000,
    dstPort: 7,
    payload: Buffer.from('?'),
  };
  const frame = buildUdpFrame(asked);
  await hello.punt('hello', { port: 9, generation: 3, vrf: 5, frame }, { port: 9, vrf: 4, frame: frame.subarray(0, 30) });
  t.is(hello.forwarder.injected.length, 0);
  await hello.punt('hello', { port: 9, generation: 3, vrf: 4, frame });
  const [reply] = hello.forwarder.injected;
  t.like(reply, { port: 9, generation: 3 });
  const said = reply && parseUdpFrame(reply.frame);
  t.like(said, { src: asked.dst, dst: asked.src, srcMac: asked.dstMac, dstMac: asked.srcMac, srcPort: 7, dstPort: 40000 });
  t.is(said?.payload.toString(), String(example.spec.text));
  t.deepEqual(await hello.operation('greetings'), { items: [{ name: example.metadata.name, count: 1 }] });

  await hello.remove({ kind: example.kind, project: 'default', name: example.metadata.name });
  t.deepEqual(hello.forwarder.rows(), []);
});

test('the index of the page names every plugin folder', (t) => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) =>
    existsSync(join(import.meta.dirname, entry.name, 'package.json')),
  );
  for (const { name } of folders) t.true(page.includes(`| [${name}](${name}/)`), `${name} is missing in the table of plugins/README.md`);
});
