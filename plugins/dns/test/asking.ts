/** Questions put to the plugin as a whole. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { buildUdpFrame, gatewayMac, parseUdpFrame, readIp } from '@weft/kernel/contract/net';
import { startPlugin, type TestPlugin } from '@weft/kernel/sdk/testing';
import type { ExecutionContext } from 'ava';
import plugin from '../index.ts';
import { buildDns, type DnsMessage, parseDns, type ResourceRecord } from '../message/codec.ts';
import { FrameReader, framed } from '../message/frames.ts';
import { formatName, nameKey, parseName } from '../message/name.ts';
import { targetName } from '../message/rdata.ts';
import { tenants } from './world.ts';

export const types: Record<string, number> = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, ANY: 255 };

/** A query for one name, as bytes. */
export function query(name: string, type = 'A', more: Partial<DnsMessage> = {}): Buffer {
  const bits = { response: false, opcode: 0, authoritative: false, truncated: false, recursionDesired: true, recursionAvailable: false };
  const questions = [{ name: parseName(name) ?? [], type: types[type] ?? 0, class: 1 }];
  return buildDns({
    id: 77,
    ...bits,
    authenticData: false,
    checkingDisabled: false,
    rcode: 0,
    questions,
    answers: [],
    authorities: [],
    additionals: [],
    ...more,
  });
}

export function frame(payload: Buffer, gateway = '10.1.0.1', src = '10.1.0.11'): Buffer {
  return buildUdpFrame({
    srcMac: '02:00:00:00:00:01',
    dstMac: gatewayMac,
    src,
    dst: gateway,
    srcPort: 40_000,
    dstPort: 53,
    payload,
  });
}

/** An upstream that answers every name with 192.0.2.80 and remembers what it was asked. */
async function upstream(t: ExecutionContext) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const message = parseDns(bytes);
    // Whatever the case of its letters.
    asked.push(nameKey(message.questions[0]?.name ?? []));
    const answers = message.questions.map((one) => ({ ...one, ttl: 30, data: Buffer.from([192, 0, 2, 80]) }));
    socket.send(buildDns({ ...message, response: true, answers }), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return { asked, setting: `127.0.0.1:${socket.address().port}` };
}

/** However busy the machine is, a question is sent once; pretended upstreams of networks are on this host. */
const usual = { timeoutMs: 10_000, hedgeMs: 10_000, deniedUpstreams: [] };

/** The plugin, an upstream for it, and who asks it over UDP. */
export async function started(t: ExecutionContext, objects: readonly Parameters<TestPlugin['put']>[0][] = tenants, config: object = {}) {
  const { asked, setting } = await upstream(t);
  const running = await startPlugin(plugin, { objects, config: { upstreams: [setting], recordOrder: 'fixed', ...usual, ...config } });
  t.teardown(() => running.stop());
  /** The reply to a question from a port; waits for upstreams. */
  const ask = async (from: number, name: string, type = 'A', more: Partial<DnsMessage> = {}): Promise<DnsMessage & { data: string[] }> => {
    const before = running.forwarder.injected.length;
    await running.punt('dns', { port: from, frame: frame(query(name, type, more)) });
    await running.until(() => running.forwarder.injected.length > before);
    const record = running.forwarder.injected.at(-1);
    const datagram = record === undefined ? undefined : parseUdpFrame(record.frame);
    if (datagram === undefined || record?.port !== from) throw new Error('the reply is for another port');
    const message = parseDns(datagram.payload);
    return { ...message, data: message.answers.map(dataText) };
  };
  return { running, asked, ask };
}

/** What became of queries, by name. */
export async function counters(running: TestPlugin): Promise<Readonly<Record<string, number>>> {
  const { items } = (await running.operation('counters')) as { items: { name: string; count: number }[] };
  return Object.fromEntries(items.map(({ name, count }) => [name, count]));
}

/** Addresses and names as text, anything else as it stands. */
export function dataText({ type, data }: ResourceRecord): string {
  if (type === 1 || type === 28) return readIp(data);
  const target = targetName(type, data);
  const numbers = type === 15 ? [data.readUInt16BE()] : type === 33 ? [0, 2, 4].map((at) => data.readUInt16BE(at)) : [];
  return target === undefined ? data.toString('latin1') : [...numbers, formatName(target)].join(' ');
}

/** A TCP connection of a VM's port to its gateway. */
export async function dial(running: TestPlugin, port: number, address = '10.1.0.1') {
  const socket = await running.servicePort.connect(53, { port, generation: 1, address });
  const reader = new FrameReader(0xffff);
  const heard: DnsMessage[] = [];
  let lost = false;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    lost = true;
  });
  socket.on('data', (chunk) => {
    reader.push(chunk);
    for (let message = reader.next(); message !== undefined; message = reader.next()) heard.push(parseDns(message));
  });
  return {
    socket,
    heard,
    isLost: () => lost,
    send: (...messages: Buffer[]) => socket.write(Buffer.concat(messages.map(framed))),
    /** The messages heard, once there are so many. */
    async hear(count: number): Promise<readonly DnsMessage[]> {
      await running.until(() => heard.length >= count);
      return heard;
    },
  };
}
