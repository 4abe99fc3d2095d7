import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { PuntPump } from './punt-pump.ts';

/** Rings of owners, as libforwarder keeps them. */
class Rings {
  readonly waiting = new Map<number, string[]>();
  armed = false;

  puntRead(owner: number, out: Uint8Array): number {
    const record = this.waiting.get(owner)?.shift();
    return record === undefined ? 0 : Buffer.from(out.buffer, out.byteOffset).write(record);
  }

  puntArm(): boolean {
    this.armed = [...this.waiting.values()].every((records) => records.length === 0);
    return !this.armed;
  }
}

async function settled(rings: Rings): Promise<void> {
  while (!rings.armed) await pause(1);
}

test('sends the first batch at once and the rest until the rings are empty, then sleeps armed', async (t) => {
  const rings = new Rings();
  const pump = new PuntPump(rings);
  const sent: string[] = [];
  pump.setSink(1, { send: (frame) => sent.push(`1 ${frame}`) });
  pump.setSink(2, { send: (frame) => sent.push(`2 ${frame}`) });
  rings.waiting.set(1, ['a', 'b']);
  rings.waiting.set(2, ['c']);
  pump.wake();
  t.deepEqual(sent, ['1 a', '2 c']);
  await settled(rings);
  t.deepEqual(sent, ['1 a', '2 c', '1 b']);
});

test('throws away what nobody takes, or it would never sleep', async (t) => {
  const rings = new Rings();
  const pump = new PuntPump(rings);
  pump.setSink(1, null);
  rings.waiting.set(1, ['a', 'b', 'c']);
  pump.wake();
  await settled(rings);
  t.deepEqual(rings.waiting.get(1), []);
});

test('each frame is a buffer of its own', async (t) => {
  const rings = new Rings();
  const pump = new PuntPump(rings);
  const frames: Buffer[] = [];
  pump.setSink(1, { send: (frame) => frames.push(frame) });
  rings.waiting.set(1, ['first', 'other']);
  pump.wake();
  await settled(rings);
  t.deepEqual(frames.map(String), ['first', 'other']);
});
