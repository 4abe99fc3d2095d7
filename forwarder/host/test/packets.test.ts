/** Packets through the forwarder process, between namespaces. Needs root and the built library. */
import { setTimeout as pause } from 'node:timers/promises';
import { anyVrf, packPunt, packUpsert, protocols, type Row, readPunts, serviceActions } from '@weft/kernel/contract/net';
import test from 'ava';
import type { FaultCalls } from '../faults.ts';
import type { Launcher } from './launcher.ts';
import { gateway, inside, type Machine, ping } from './machines.ts';
import { makeNetwork, untilPing } from './network.ts';

test.serial('two machines ping each other and their gateway, and the ledger of each port adds up', async (t) => {
  const { network, machines } = await makeNetwork(t);
  t.is(await ping(machines[0], machines[1].address, 10), 0);
  t.is(await ping(machines[1], gateway, 10), 0);
  await pause(200);
  const { ports } = await network.caller.call('stats.read', {});
  t.is(ports.length, 2);
  for (const p of ports) t.is(p.rxPackets + p.injected + p.cloned + p.originated, p.sent + p.dropped + p.punted, JSON.stringify(p));
});

test.serial('after kill -9 a new process forwards from the state memory before any plugin has come', async (t) => {
  const { launcher, machines } = await makeNetwork(t);
  await untilPing(machines[0], machines[1].address);
  launcher.forget('network');
  await launcher.end('SIGKILL');
  await launcher.start();
  await untilPing(machines[0], machines[1].address);
  t.is(await ping(machines[0], machines[1].address, 10), 0);
});

test.serial(
  'the Worker is killed 50 times under calls, pings and punts: the process lives, no packet is lost, no descriptor leaks',
  async (t) => {
    t.timeout(120_000, '50 restarts take a while: the pause between them grows to a second');
    const { launcher, network, machines } = await makeNetwork(t, { debug: { faults: true } });
    await serveEcho(launcher);
    await untilPing(machines[0], machines[1].address);
    const faults = network.caller as unknown as { call(method: keyof FaultCalls, input: unknown): Promise<unknown> };
    const { pid } = launcher;
    let running = true;
    let answered = 0;
    const callers = Array.from({ length: 4 }, async () => {
      while (running)
        await network.caller.call('stats.read', {}).then(
          () => (answered += 1),
          () => pause(20),
        );
    });
    const served = async (): Promise<void> => {
      const since = answered;
      while (answered === since) await pause(2);
    };
    await served();
    const before = launcher.descriptors();
    const lost = ping(machines[0], machines[1].address, 2_000, 20);
    const echoes = echo(machines[1], 2_000);
    for (let kills = 1; kills <= 50; kills++) {
      await faults.call('debug.killWorker', {});
      await served();
    }
    const after = launcher.descriptors();
    running = false;
    await Promise.all(callers);
    t.is(await lost, 0);
    t.is(await echoes, 2_000);
    t.is(launcher.pid, pid);
    t.true(after <= before + 1, `${before} descriptors before, ${after} after`);
  },
);

test.serial('blocked JavaScript loses no packet', async (t) => {
  const { network, machines } = await makeNetwork(t, { debug: { faults: true } });
  const faults = network.caller as unknown as { call(method: string, input: unknown): Promise<unknown> };
  await untilPing(machines[0], machines[1].address);
  await faults.call('debug.block', { ms: 2_000, where: 'worker' });
  await faults.call('debug.block', { ms: 2_000, where: 'main' });
  t.is(await ping(machines[0], machines[1].address, 100), 0);
});

test.serial('a datagram to a service is punted to its plugin, and the answer is injected into the port', async (t) => {
  const { launcher, network, machines } = await makeNetwork(t);
  await serveEcho(launcher);
  t.is(await echo(machines[0], 50), 50);
  const { ports } = await network.caller.call('stats.read', { ports: [machines[0].id] });
  t.is(ports[0]?.punted, 50);
  t.is(ports[0]?.injected, 50);
});

const echoPort = 7;

/** A plugin that answers datagrams to the gateway with themselves. */
async function serveEcho(launcher: Launcher): Promise<void> {
  const limits = { rate: 1_000, burst: 100, portRate: 1_000, portBurst: 100 };
  const { caller, punts } = await launcher.plugin('echo', ['service'], [{ name: 'echo', ...limits }], (batch) => {
    for (const { port, generation, frame } of readPunts(batch)) punts.send(packPunt({ port, generation, frame: turned(frame) }));
  });
  const { puntClasses } = await caller.call('hello', { name: 'echo' });
  const head = { table: 'service', vrf: anyVrf, protocol: protocols.udp, l4Port: echoPort, address: gateway } as const;
  const row: Row = { ...head, puntClass: puntClasses.echo ?? 0, action: serviceActions.punt };
  await caller.call('rows.apply', { ...(await caller.call('rows.begin', {})), ops: packUpsert(row) });
}

/** How many of `count` datagrams, one each 20 ms, come back. */
async function echo(from: Machine, count: number): Promise<number> {
  const script = `
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
got = 0
for i in range(${count}):
    s.sendto(str(i).encode(), ("${gateway}", ${echoPort}))
    try:
        got += s.recv(99) == str(i).encode()
    except TimeoutError:
        pass
    time.sleep(0.02)
print(got)`;
  return Number(await inside(from, `python3 -c '${script}'`));
}

/** The same datagram back to its sender; the sums stay right because only places change. */
function turned(frame: Buffer): Buffer {
  const out = Buffer.from(frame);
  const swap = (a: number, b: number, length: number): void => {
    frame.copy(out, a, b, b + length);
    frame.copy(out, b, a, a + length);
  };
  swap(0, 6, 6);
  swap(26, 30, 4);
  swap(34, 36, 2);
  return out;
}
