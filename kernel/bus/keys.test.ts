import test from 'ava';
import { curveKeyPair } from 'zeromq';
import { fromZ85, newKeyPair, toZ85 } from './keys.ts';

test('Z85 is that of ZeroMQ RFC 32', (t) => {
  const bytes = Buffer.from([0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]);
  t.is(toZ85(bytes), 'HelloWorld');
  t.deepEqual(fromZ85('HelloWorld'), bytes);
  const foreign = curveKeyPair().publicKey;
  t.is(toZ85(fromZ85(foreign)), foreign);
});

test('Z85 refuses other characters and lengths', (t) => {
  t.throws(() => fromZ85('Hell World'), { message: /' ' is not a Z85 character/ });
  t.throws(() => fromZ85('Hello!'), { message: /multiple of 5/ });
  t.throws(() => fromZ85('#####'), { message: /exceeds 32 bits/ });
  t.throws(() => toZ85(Buffer.alloc(3)), { message: /multiple of 4/ });
});

test('key pairs are 32 bytes each, and differ', (t) => {
  const one = newKeyPair();
  t.is(fromZ85(one.publicKey).length, 32);
  t.is(fromZ85(one.secretKey).length, 32);
  t.not(one.secretKey, newKeyPair().secretKey);
});
