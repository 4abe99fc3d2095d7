/** Captures and traces through the forwarder process, between namespaces. Needs root and the built library. */
import type { CapturedFrame } from '@weft/kernel/contract/net';
import { WeftFailure } from '@weft/kernel/contract/system';
import test, { type ExecutionContext } from 'ava';
import type { StandInPlugin } from './launcher.ts';
import { inside, ping } from './machines.ts';
import { makeNetwork, untilPing } from './network.ts';

const echoRequest = 8;
/** Of ICMP in an IPv4 frame without options. */
const icmpAt = 34;
const ofEcho = ({ data, direction }: CapturedFrame): string => `${direction} ${data.readUInt8(icmpAt)}`;

async function captured(t: ExecutionContext, { caller }: StandInPlugin, filter: string, count: number, send: () => Promise<unknown>) {
  const frames: CapturedFrame[] = [];
  const signal = AbortSignal.timeout(20_000);
  let sent: Promise<unknown> | undefined;
  for await (const item of caller.stream('ports.capture', { port: 1, filter }, { signal })) {
    sent ??= send();
    t.is(item.lost, 0);
    frames.push(...item.frames);
    if (frames.length >= count) break;
  }
  await sent;
  return frames;
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const thrown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return thrown instanceof WeftFailure ? `${thrown.error.code}: ${thrown.error.message}` : String(thrown);
}

test.serial('a capture shows both directions and drops with their reason, and leaves the port free when its reader ends', async (t) => {
  const { network, machines } = await makeNetwork(t);
  await untilPing(machines[0], machines[1].address);
  const echoes = await captured(t, network, 'icmp', 4, () => ping(machines[0], machines[1].address, 2));
  t.deepEqual(echoes.map(ofEcho), ['in 8', 'out 0', 'in 8', 'out 0']);
  t.true(echoes.every(({ reason, timestampNs }) => reason === undefined && Math.abs(Number(timestampNs) / 1e6 - Date.now()) < 20_000));
  const [lost] = await captured(t, network, 'icmp[0] == 8', 1, () => inside(machines[0], 'ping -c 1 -W 1 192.0.2.1 || true'));
  t.is(lost?.reason, 'no-route');
  t.is(lost?.data.readUInt8(icmpAt), echoRequest);
  const open = network.caller.stream('ports.capture', { port: 1 })[Symbol.asyncIterator]();
  await open.next();
  const again = () => network.caller.stream('ports.capture', { port: 1 })[Symbol.asyncIterator]().next();
  t.regex(await refusal(again()), /^CONFLICT: the port is captured already/);
  await open.return?.();
  for (let tries = 0; tries < 50 && (await refusal(again())).startsWith('CONFLICT'); tries++);
  t.regex(
    await refusal(network.caller.stream('ports.capture', { port: 1, filter: 'nonsense and' })[Symbol.asyncIterator]().next()),
    /^INVALID: the filter/,
  );
  t.regex(
    await refusal(network.caller.stream('ports.capture', { port: 99 })[Symbol.asyncIterator]().next()),
    /^INVALID: there is no port 99/,
  );
});

test.serial('a plugin that dies, or loses its place, takes its captures along', async (t) => {
  const { launcher, network } = await makeNetwork(t);
  const open = network.caller.stream('ports.capture', { port: 1 })[Symbol.asyncIterator]();
  await open.next();
  launcher.forget('network');
  const next = await launcher.plugin('network', ['port']);
  const first = async (): Promise<string> => await refusal(next.caller.stream('ports.capture', { port: 1 })[Symbol.asyncIterator]().next());
  let answer = await first();
  for (let tries = 0; tries < 100 && answer.startsWith('CONFLICT'); tries++) answer = await first();
  t.false(answer.startsWith('CONFLICT'), answer);
});

test.serial('a trace says what happens to a frame and does nothing; others than the owner of ports may not look', async (t) => {
  const { launcher, network, machines } = await makeNetwork(t);
  await untilPing(machines[0], machines[1].address);
  const frames = await captured(t, network, 'icmp[0] == 8', 1, () => ping(machines[0], machines[1].address, 1));
  const frame = frames[0]?.data ?? Buffer.alloc(0);
  // The machine may say something of its own meanwhile: that is received and sent.
  const counted = async () => {
    const { ports } = await network.caller.call('stats.read', { ports: [1] });
    return ports.map(({ rxPackets, sent, dropped, punted }) => ({ beside: sent - rxPackets, dropped, punted }));
  };
  const before = await counted();
  const { steps } = await network.caller.call('ports.trace', { port: 1, frame });
  t.deepEqual(
    steps.filter(({ kind }) => kind === 'sent'),
    [{ kind: 'sent', port: 2, frame }],
  );
  t.true(steps.some((step) => step.kind === 'row' && step.row.table === 'mac' && step.row.port === 2));
  const foreign = Buffer.from(frame);
  foreign.writeUInt8(9, 11);
  const { steps: refused } = await network.caller.call('ports.trace', { port: 1, frame: foreign });
  t.like(refused.at(-1), { kind: 'dropped', reason: 'spoofed-mac' });
  t.deepEqual(await counted(), before);
  const other = await launcher.plugin('dns', ['service']);
  t.regex(await refusal(other.caller.call('ports.trace', { port: 1, frame })), /^FORBIDDEN/);
  t.regex(await refusal(other.caller.stream('ports.capture', { port: 1 })[Symbol.asyncIterator]().next()), /^FORBIDDEN/);
});
