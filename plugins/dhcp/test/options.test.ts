/** Options of port, subnet and network through the whole plugin, as the object store has them. */
import { buildUdpFrame, type DhcpOptions, type Port, parseUdpFrame, type VirtualNetwork } from '@weft/kernel/contract/net';
import { startPlugin, type TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import { buildDhcp, type DhcpMessage, parseDhcp } from '../v4/codec.ts';
import { messageTypes } from '../v4/option.ts';
import { type Asked, clientMac, clientMessage } from './client.ts';
import { network, port } from './world.ts';

interface Told {
  readonly network?: DhcpOptions;
  readonly subnet?: DhcpOptions;
  readonly port?: DhcpOptions;
}

function world(told: Told): readonly [VirtualNetwork, Port] {
  const [plainNetwork, plainPort] = [network('tenant-a', 7), port('tenant-a', 1, clientMac)];
  const subnets = plainNetwork.spec.subnets.map((subnet) => ({ ...subnet, ...(told.subnet && { dhcpOptions: told.subnet }) }));
  return [
    { ...plainNetwork, spec: { ...plainNetwork.spec, subnets, ...(told.network && { dhcpOptions: told.network }) } },
    { ...plainPort, spec: { ...plainPort.spec, ...(told.port && { dhcpOptions: told.port }) } },
  ];
}

async function started(t: ExecutionContext, told: Told): Promise<TestPlugin> {
  const running = await startPlugin(plugin, { objects: [...world(told)] });
  t.teardown(() => running.stop());
  return running;
}

async function discover(running: TestPlugin, asked: Asked = {}): Promise<DhcpMessage> {
  const payload = buildDhcp(clientMessage({ type: messageTypes.discover, ...asked }), 548).bytes;
  const to = { srcMac: clientMac, dstMac: 'ff:ff:ff:ff:ff:ff', src: '0.0.0.0', dst: '255.255.255.255', srcPort: 68, dstPort: 67 };
  await running.punt('dhcp', { port: 1, frame: buildUdpFrame({ ...to, payload }) });
  const frame = running.forwarder.injected.at(-1)?.frame;
  const parsed = parseDhcp((frame && parseUdpFrame(frame)?.payload) ?? Buffer.alloc(0));
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.message;
}

test('the port goes before the subnet and that before the network, and a change is told at once', async (t) => {
  const told: Told = {
    network: { ntp: ['10.1.0.5'], bootFile: 'network.0', custom: [{ code: 224, text: 'network' }, { code: 225, text: 'network' }] }, // biome-ignore format: one line
    subnet: { bootFile: 'subnet.0', custom: [{ code: 225, text: 'subnet' }] },
    port: { bootFile: 'port.0' },
  };
  const running = await started(t, told);
  const first = await discover(running);
  t.is(first.file.toString(), 'port.0');
  t.deepEqual(
    [42, 67, 224, 225].map((code) => first.options.get(code)?.toString('latin1')),
    ['\x0a\x01\x00\x05', 'port.0', 'network', 'subnet'],
  );
  for (const object of world({ ...told, subnet: {}, port: {} })) await running.put(object);
  const second = await discover(running);
  t.deepEqual(
    [67, 225].map((code) => second.options.get(code)?.toString()),
    ['network.0', 'network'],
  );
});

test('leases show the codes that were sent, and what did not fit', async (t) => {
  const running = await started(t, { port: { custom: [{ code: 224, hex: '00'.repeat(400) }] } });
  await discover(running, { list: [3, 6, 42] });
  const { items } = (await running.operation('leases', {}, 'tenant-a')) as { items: { options: number[]; omitted: number[] }[] };
  t.deepEqual(items[0]?.options, [53, 54, 51, 58, 59, 1, 3, 6]);
  t.deepEqual(items[0]?.omitted, [224]);
});
