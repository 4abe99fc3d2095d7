import { readFileSync } from 'node:fs';
import { buildUdpFrame } from '@weft/kernel/contract/net';
import { startPlugin } from '@weft/kernel/sdk/testing';
import test from 'ava';
import plugin from '../index.ts';
import { buildDhcp } from '../v4/codec.ts';
import { messageTypes, optionCodes } from '../v4/option.ts';
import { clientMac, clientMessage } from './client.ts';
import { network, port } from './world.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [settings, leases] = [...readme.matchAll(/```json\n(.*?)```/gs)].map((match) => JSON.parse(match[1] ?? ''));

test('the README’s settings give the README’s leases', async (t) => {
  const running = await startPlugin(plugin, { objects: [network('tenant-a', 7), port('tenant-a', 1, clientMac)], config: settings });
  t.teardown(() => running.stop());
  const options: [number, Buffer][] = [[optionCodes.vendorClass, Buffer.from('udhcp 1.35')]];
  const payload = buildDhcp(clientMessage({ type: messageTypes.request, options }, { ciaddr: '10.1.0.11' }), 548).bytes;
  const addresses = { srcMac: clientMac, dstMac: '00:00:5e:00:01:00', src: '10.1.0.11', dst: '10.1.0.1' };
  await running.punt('dhcp', { port: 1, frame: buildUdpFrame({ ...addresses, srcPort: 68, dstPort: 67, payload }) });
  const shown = (await running.operation('leases', {}, 'tenant-a')) as typeof leases;
  const { at, acknowledgedAt, expiresAt, ...rest } = shown.items[0];
  const { at: writtenAt, acknowledgedAt: writtenAcknowledged, expiresAt: writtenExpiry, ...written } = leases.items[0];
  t.deepEqual(rest, written);
  t.is(acknowledgedAt, at);
  t.is(writtenAcknowledged, writtenAt);
  t.is(Date.parse(expiresAt) - Date.parse(at), Date.parse(writtenExpiry) - Date.parse(writtenAt));
});

test('the README names every setting and operation', (t) => {
  for (const name of Object.keys((plugin.config as unknown as { properties: object }).properties))
    t.true(readme.includes(`\`${name}\``), name);
  for (const operation of plugin.operations ?? []) t.true(readme.includes(`\`${operation.name}\``), operation.name);
});
