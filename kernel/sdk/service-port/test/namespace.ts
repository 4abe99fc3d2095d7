/**
 * A service port against sockets of a namespace of its own: node namespace.ts FOLDER, in one with `lo` up, the identities of port 7 (slot 1, generation 4)
 * and of a stranger (slot 2), and service addresses. Prints what was seen, step by step, as one JSON document.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForwarderCalls, PortState } from '@weft/kernel/contract/net';
import { pino } from 'pino';
import { memoryPair } from '../../../bus/index.ts';
import { fail, WeftFailure } from '../../../contract/system/index.ts';
import type { Asker, Forwarder } from '../../plugin.ts';
import { NamespacePort } from '../index.ts';

const path = `${process.argv[2]}/service.sock`;
const port: PortState = { id: 7, generation: 4, slot: 1, state: 'up', mac: '00:00:00:00:00:00', reason: '' };
const servicePort: PortState = { id: 1_000_000, generation: 1, slot: 9, state: 'up', mac: '00:00:00:00:00:00', reason: '' };
const seen: Record<string, unknown> = {};

const giver = spawn('python3', [new URL('giver.py', import.meta.url).pathname, path], { stdio: ['ignore', 'pipe', 'inherit'] });
await once(giver.stdout, 'data');

let [namespace, refusals, asked] = ['1', 2, 0];
const forwarder = {
  'service.socket': ({ protocol, l4Port, address = '' }: ForwarderCalls['service.socket']['in']) => {
    asked += 1;
    if (refusals-- > 0) throw fail('UNAVAILABLE', 'not yet');
    return { ticket: `${protocol} ${address} ${l4Port}`, port: servicePort.id, namespace };
  },
  'service.namespace': () => ({ port: servicePort.id, namespace }),
};
const link = memoryPair<object, ForwarderCalls>({ name: 'whoami', handlers: {} }, { name: 'forwarder', handlers: forwarder as never });
link.connect();
const listeners: Parameters<Forwarder['onPorts']>[0][] = [];
const tell = (ports: PortState[], removed: number[] = []): void => {
  for (const listener of listeners) listener(ports, removed);
};
const view = { onPorts: (listener: (typeof listeners)[number]) => void listeners.push(listener) };
const service = new NamespacePort({ forwarder: link.a, view, path, log: pino({ level: 'silent' }) });

/** What a client hears that says something at once; the name of the error that ended it. */
async function say(from: string, to: string, text = 'hello'): Promise<string> {
  const socket = connect({ host: to, port: 80, localAddress: from });
  socket.end(text);
  let heard = '';
  socket.on('data', (data) => (heard += data));
  const [error] = await Promise.race([once(socket, 'end').then(() => []), once(socket, 'error')]).catch((thrown) => [thrown]);
  return error === undefined ? heard : (error.code ?? error.message);
}

async function ask(from: string, to: string): Promise<string> {
  const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, from);
  await once(socket, 'listening');
  socket.send('hello', 123, to);
  const heard = await Promise.race([once(socket, 'message').then(([data]) => String(data)), sleep(500).then(() => 'nothing')]);
  socket.close();
  return heard;
}

const errorOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (thrown) => (thrown instanceof WeftFailure ? thrown.error.code : String(thrown)),
  );

const listener = await service.listenTcp(80, (socket, asker: Asker) => {
  socket.on('data', (data) => socket.write(`${asker.port}.${asker.generation} ${asker.address} ${socket.localAddress} ${data}`));
  socket.on('end', () => socket.end());
  socket.resume();
});
seen.asked = asked;
seen.taken = await errorOf(service.listenTcp(80, () => undefined));
const unknown = say('240.64.0.16', '169.254.169.254', 'first bytes');
await sleep(100);
tell([port, servicePort]);
seen.waited = await unknown;
seen.ipv4 = await say('240.64.0.16', '169.254.169.254');
seen.ipv6 = await say('100::4:1:0', 'fd00:ec2::254');
seen.stranger = await say('240.64.0.32', '169.254.169.254');
seen.noIdentity = await say('127.0.0.1', '169.254.169.254');

for (const address of ['169.254.169.254', 'fd00:ec2::254'])
  await service.bindUdp(address, 123, (data, { peer, ...asker }, reply) =>
    reply(Buffer.from(`${asker.port} ${asker.address} ${data} ${peer.split(' ')[0]}`)),
  );
seen.udp = [
  await ask('240.64.0.16', '169.254.169.254'),
  await ask('100::4:1:0', 'fd00:ec2::254'),
  await ask('127.0.0.1', '169.254.169.254'),
];
seen.malformed = await errorOf(service.bindUdp('x', 123, () => undefined));

const before = asked;
tell([servicePort]);
await sleep(50);
seen.sameNamespace = asked - before;
namespace = '2';
tell([{ ...servicePort, generation: 2 }]);
await sleep(300);
seen.otherNamespace = [asked - before, await say('240.64.0.16', '169.254.169.254'), await ask('240.64.0.16', '169.254.169.254')];

await listener.close();
seen.closed = await say('240.64.0.16', '169.254.169.254');
process.stdout.write(JSON.stringify(seen));
giver.kill();
process.exit(0);
