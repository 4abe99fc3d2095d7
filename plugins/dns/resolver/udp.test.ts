import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { exchangeOverUdp } from './udp.ts';

async function server(t: ExecutionContext, behave: (socket: Socket, query: Buffer, port: number) => void) {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => behave(socket, query, from.port));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return { address: '127.0.0.1', port: socket.address().port };
}

const text = (reply: Buffer): string | undefined => (reply.toString().startsWith('ok') ? reply.toString() : undefined);

test('waits for the reply that is accepted', async (t) => {
  const upstream = await server(t, (socket, query, port) => {
    for (const reply of ['no', `ok ${query.toString()}`]) socket.send(reply, port, '127.0.0.1');
  });
  t.deepEqual(await exchangeOverUdp(upstream, Buffer.from('hello'), 5000, text), { ok: true, value: 'ok hello' });
});

test('hears no one but the upstream', async (t) => {
  const stranger = createSocket('udp4');
  t.teardown(() => stranger.close());
  const upstream = await server(t, (socket, _query, port) => {
    stranger.send('ok forged', port, '127.0.0.1', () => socket.send('ok', port, '127.0.0.1'));
  });
  t.deepEqual(await exchangeOverUdp(upstream, Buffer.from('x'), 5000, text), { ok: true, value: 'ok' });
});

test('each question has a source port of its own', async (t) => {
  const ports = new Set<number>();
  const upstream = await server(t, (socket, _query, port) => {
    ports.add(port);
    socket.send('ok', port, '127.0.0.1');
  });
  for (let index = 0; index < 8; index += 1) await exchangeOverUdp(upstream, Buffer.from('x'), 5000, text);
  t.true(ports.size >= 7);
});

test('gives up in time, and at once where nothing listens', async (t) => {
  const silent = await server(t, () => undefined);
  t.deepEqual(await exchangeOverUdp(silent, Buffer.from('x'), 20, text), { ok: false, reason: 'timeout' });
  const gone = createSocket('udp4');
  gone.bind(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address();
  gone.close();
  t.like(await exchangeOverUdp({ address: '127.0.0.1', port }, Buffer.from('x'), 60_000, text), { ok: false });
});
