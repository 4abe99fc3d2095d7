import { fail } from '@weft/kernel/contract/system';
import test from 'ava';
import { Answerer, type FromWorker, Relay, type ToWorker } from './relay.ts';

test('a call is answered, a refusal comes back as the failure it was', async (t) => {
  const relay = new Relay();
  const run = (peer: string, method: string, input: unknown): unknown => {
    if (method === 'refuse') throw fail('CONFLICT', 'no');
    return { peer, method, input };
  };
  const answerer = new Answerer(run, (message: FromWorker) => message.type !== 'peers-done' && relay.answer(message));
  relay.connect((message: ToWorker) => message.type === 'call' && answerer.call(message));
  t.deepEqual(await relay.call('dhcp', 'rows.begin', { a: 1 }), { peer: 'dhcp', method: 'rows.begin', input: { a: 1 } });
  await t.throwsAsync(relay.call('dhcp', 'refuse', {}), { message: 'no' });
});

test('calls of one plugin run one after the other, those of two side by side', async (t) => {
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const finished: number[] = [];
  const answerer = new Answerer(
    async (peer, method) => {
      order.push(`${peer} ${method}`);
      if (method === 'slow') await gate.promise;
    },
    (message) => message.type === 'result' && finished.push(message.id),
  );
  const call = (id: number, peer: string, method: string): void => answerer.call({ type: 'call', id, peer, method, input: {} });
  call(1, 'a', 'slow');
  call(2, 'a', 'next');
  call(3, 'b', 'other');
  await new Promise(setImmediate);
  t.deepEqual(order, ['a slow', 'b other']);
  t.deepEqual(finished, [3]);
  gate.resolve();
  await new Promise(setImmediate);
  t.deepEqual(finished, [3, 1, 2]);
});

test('when the Worker dies its calls fail at once, and later ones until the next is there', async (t) => {
  const relay = new Relay();
  relay.connect(() => undefined);
  const pending = relay.call('dhcp', 'hello', {});
  relay.disconnect();
  await t.throwsAsync(pending, { message: /Worker is being restarted/ });
  await t.throwsAsync(relay.call('dhcp', 'hello', {}), { message: /Worker is being restarted/ });
  const posted: ToWorker[] = [];
  relay.connect((message) => posted.push(message));
  void relay.call('dhcp', 'hello', {});
  t.is(posted.length, 1);
});

test('the Worker has one call of each peer at most, so nobody waits behind all that another asks', async (t) => {
  const relay = new Relay();
  const posted: string[] = [];
  const ids: number[] = [];
  relay.connect((message) => {
    if (message.type !== 'call') return;
    posted.push(`${message.peer} ${message.method}`);
    ids.push(message.id);
  });
  const flood = Array.from({ length: 100 }, (_, index) => relay.call('evil', `${index}`, {}));
  const other = relay.call('dns', 'rows.apply', {});
  t.deepEqual(posted, ['evil 0', 'dns rows.apply']);
  relay.answer({ type: 'result', id: ids[1] ?? 0, result: 'done' });
  t.is(await other, 'done');
  relay.answer({ type: 'failure', id: ids[0] ?? 0, error: { code: 'INVALID', message: 'no' } });
  await t.throwsAsync(flood[0] as Promise<unknown>, { message: 'no' });
  t.deepEqual(posted.slice(2), ['evil 1']);
  relay.disconnect();
  await Promise.all(flood.slice(1).map((call) => t.throwsAsync(call, { message: /being restarted/ })));
  relay.connect((message) => message.type === 'call' && posted.push(`${message.peer} ${message.method}`));
  void relay.call('evil', 'again', {});
  t.is(posted.at(-1), 'evil again', 'a new Worker has no line');
});
