import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { secretKey } from './secret-key.ts';

test('the key is made once, is read by root alone, and is never replaced', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-key-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const key = secretKey(dir);
  t.is(Buffer.from(key, 'base64').length, 32);
  t.is(statSync(join(dir, 'secret.key')).mode & 0o777, 0o600);
  t.is(secretKey(dir), key);
  writeFileSync(join(dir, 'secret.key'), 'c2hvcnQ=');
  t.throws(() => secretKey(dir), { message: /holds no key of 32 bytes/ });
});
