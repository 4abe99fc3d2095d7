import { readFileSync } from 'node:fs';
import { buildUdpFrame, gatewayMac, parseUdpFrame, readIp } from '@weft/kernel/contract/net';
import { startPlugin } from '@weft/kernel/sdk/testing';
import test from 'ava';
import plugin from '../index.ts';
import { buildDns, parseDns } from '../message/codec.ts';
import { parseName } from '../message/name.ts';
import { Reader } from '../message/wire.ts';
import { tenants } from './world.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const settings = JSON.parse(/```json\n(.*?)```/s.exec(readme)?.[1] ?? '');
const rows = [...readme.matchAll(/^\| `([^`]+)` +\| (A|AAAA|PTR|TXT) +\| (\S+) +\|$/gm)];
const types: Record<string, number> = { A: 1, PTR: 12, TXT: 16, AAAA: 28 };
const header = {
  id: 1,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
};

test('the README’s questions have the README’s answers', async (t) => {
  t.is(rows.length, 10);
  const running = await startPlugin(plugin, { objects: tenants, config: settings });
  t.teardown(() => running.stop());
  for (const [, question = '', type = '', expected = ''] of rows) {
    const questions = [{ name: parseName(question) ?? [], type: types[type] ?? 0, class: 1 }];
    const sections = { questions, answers: [], authorities: [], additionals: [] };
    const payload = buildDns({ ...header, authenticData: false, checkingDisabled: false, rcode: 0, ...sections });
    const addresses = { srcMac: '02:00:00:00:00:01', dstMac: gatewayMac, src: '10.1.0.11', dst: '10.1.0.1' };
    await running.punt('dns', { port: 1, frame: buildUdpFrame({ ...addresses, srcPort: 40_000, dstPort: 53, payload }) });
    const reply = parseDns(parseUdpFrame(running.forwarder.injected.at(-1)?.frame ?? Buffer.alloc(0))?.payload ?? Buffer.alloc(0));
    const [answer] = reply.answers;
    const isAddress = answer?.type === types.A || answer?.type === types.AAAA;
    const data = answer && isAddress ? readIp(answer.data) : new Reader(answer?.data ?? Buffer.from([0])).name().join('.');
    t.is(answer === undefined ? (reply.rcode === 3 ? 'NXDOMAIN' : 'NODATA') : data, expected, question);
  }
});

test('the README names every setting and counter', async (t) => {
  const running = await startPlugin(plugin);
  t.teardown(() => running.stop());
  const { items } = (await running.operation('counters')) as { items: { name: string }[] };
  const settingNames = Object.keys((plugin.config as unknown as { properties: object }).properties);
  for (const name of [...settingNames, ...items.map((item) => item.name)]) t.true(readme.includes(`\`${name}\``), name);
});
