import test from 'ava';
import { Outbox } from './outbox.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what a peer does not read is thrown away beyond the limit, and told', async (t) => {
  let take = (): void => undefined;
  const sent: number[] = [];
  let full = 0;
  const socket = {
    send: (bytes: unknown) =>
      new Promise<void>((resolve) => {
        sent.push((bytes as Buffer).length);
        take = resolve;
      }),
  };
  const outbox = new Outbox(socket, () => (full += 1), 100);
  // The first one is with the socket, 60 and 50 wait, and those are more than may.
  for (const length of [10, 60, 50, 1, 1]) outbox.push(Buffer.alloc(length));
  t.is(full, 2);
  for (let n = 0; n < 3; n++) {
    take();
    await turn();
  }
  t.deepEqual(sent, [10, 60, 50]);
  outbox.push(Buffer.alloc(1));
  t.is(full, 2, 'it reads again');
});
