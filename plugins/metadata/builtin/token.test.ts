import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parseTtl, Tokens, tokenKey } from './token.ts';

const key = Buffer.alloc(32, 7);
const start = Date.parse('2026-01-01T00:00:00Z');

test('a token holds for its port until its time is up, also in the next process', (t) => {
  let now = start;
  const token = new Tokens(key, () => now).issue('port-1', 60);
  const next = new Tokens(key, () => now);
  t.regex(token, /^[A-Za-z0-9_-]{40}$/);
  t.true(next.verify('port-1', token));
  now += 59_000;
  t.true(next.verify('port-1', token));
  now += 1_000;
  t.false(next.verify('port-1', token));
});

test('a token is worth nothing to another port, with another key, or changed', (t) => {
  const tokens = new Tokens(key, () => start);
  const token = tokens.issue('port-1', 21_600);
  t.false(tokens.verify('port-2', token));
  t.false(new Tokens(Buffer.alloc(32, 8), () => start).verify('port-1', token));
  for (let index = 0; index < token.length; index++) {
    const changed = `${token.slice(0, index)}${token[index] === 'A' ? 'B' : 'A'}${token.slice(index + 1)}`;
    t.false(tokens.verify('port-1', changed), `character ${index}`);
  }
  for (const wrong of ['', token.slice(1), `${token}A`, `${token}=`, ` ${token}`, `${token}, ${token}`, token.replace(/.$/, '+')])
    t.false(tokens.verify('port-1', wrong), wrong);
});

test('times to live are those that EC2 takes', (t) => {
  for (const good of ['1', '60', '21600']) t.is(parseTtl(good), Number(good));
  for (const bad of [undefined, '', '0', '-1', '21601', '1.5', '0x10', ' 60', '60, 60', '99999999999', 'abc', '060'])
    t.is(parseTtl(bad), undefined, bad);
});

test('the key is made once, for its owner only, and anew when it is damaged', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-token-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const made = tokenKey(folder);
  t.is(made.length, 32);
  t.deepEqual(tokenKey(folder), made);
  t.is(statSync(join(folder, 'token.key')).mode & 0o777, 0o600);
  writeFileSync(join(folder, 'token.key'), 'short');
  t.is(tokenKey(folder).length, 32);
});
