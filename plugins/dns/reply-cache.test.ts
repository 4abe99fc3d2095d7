import test from 'ava';
import { ReplyCache } from './reply-cache.ts';

const query = (id: number, text: string): Buffer => Buffer.concat([Buffer.from([id >> 8, id & 255]), Buffer.from(text)]);
const reply = (text: string) => ({ bytes: query(1, text), source: 'local' as const });
const [red, blue] = [{}, {}];

function keyOf(cache: ReplyCache, view: object, bytes: Buffer): string {
  const key = cache.key(view, bytes);
  if (key === undefined) throw new TypeError('too long');
  return key;
}

test('gives the reply again with the id of the query', (t) => {
  const cache = new ReplyCache(10);
  cache.put(keyOf(cache, red, query(7, 'www')), reply('answer'), 100);
  const asked = query(0x1234, 'www');
  t.deepEqual(cache.get(keyOf(cache, red, asked), asked, 99), { bytes: query(0x1234, 'answer'), source: 'local' });
  t.is(cache.get(keyOf(cache, red, asked), asked, 100), undefined);
  t.is(cache.size, 0);
});

test('what one caller does to a reply, the next does not see', (t) => {
  const cache = new ReplyCache(10);
  const asked = query(1, 'www');
  const key = keyOf(cache, red, asked);
  const put = reply('answer');
  cache.put(key, put, 100);
  put.bytes.fill(0);
  cache.get(key, asked, 0)?.bytes.fill(0);
  t.is(cache.get(key, asked, 0)?.bytes.toString('latin1', 2), 'answer');
});

test('views never share, nor do spellings of a name', (t) => {
  const cache = new ReplyCache(10);
  cache.put(keyOf(cache, red, query(1, 'www')), reply('answer'), 100);
  t.is(cache.get(keyOf(cache, blue, query(1, 'www')), query(1, 'www'), 0), undefined);
  t.is(cache.get(keyOf(cache, red, query(1, 'WWW')), query(1, 'WWW'), 0), undefined);
});

test('keeps so many, and nothing long', (t) => {
  const cache = new ReplyCache(3);
  for (let count = 0; count < 100; count += 1) cache.put(keyOf(cache, red, query(1, `n${count}`)), reply('answer'), 100);
  t.is(cache.size, 3);
  t.is(cache.key(red, Buffer.alloc(129)), undefined);
  t.is(cache.key(red, Buffer.alloc(2)), undefined);
  cache.put('long', { bytes: Buffer.alloc(1233), source: 'local' }, 100);
  t.is(cache.get('long', query(1, ''), 0), undefined);
});
