/** Real sockets of a namespace, with identity addresses on its loopback; link-local ones: appliance/test/service-port.test.ts. Needs root. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type TestFn } from 'ava';

const test = anyTest as TestFn<{ seen: Record<string, unknown> }>;

/** All of it ends with the program. */
const setup = `ip link set lo up
for address in 240.64.0.16/32 240.64.0.32/32 169.254.169.254/32 100::4:1:0/128 fd00:ec2::254/128; do ip address add $address dev lo; done
exec "$@"`;

test.before(async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-service-'));
  const program = [process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'test/namespace.ts'), folder];
  try {
    const { stdout } = await promisify(execFile)('unshare', ['--net', 'sh', '-ec', setup, 'sh', ...program], { timeout: 30_000 });
    t.context.seen = JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a connection comes with its asker, and with the address that was asked, in both families', (t) => {
  const { ipv4, ipv6 } = t.context.seen;
  t.is(ipv4, '7.4 169.254.169.254 169.254.169.254 hello');
  t.is(ipv6, '7.4 fd00:ec2::254 fd00:ec2::254 hello');
});

test('what an asker says before it is known is not lost', (t) => {
  t.is(t.context.seen.waited, '7.4 169.254.169.254 169.254.169.254 first bytes');
});

test('a port that stays unknown, and who is no port at all, is cut off', (t) => {
  t.is(t.context.seen.stranger, 'ECONNRESET');
  t.is(t.context.seen.noIdentity, 'ECONNRESET');
});

test('datagrams are answered from the address that was asked; strangers hear nothing', (t) => {
  t.deepEqual(t.context.seen.udp, ['7 169.254.169.254 hello 240.64.0.16', '7 fd00:ec2::254 hello 100::4:1:0', 'nothing']);
});

test('a service port that is not there yet is waited for; what is taken, or no address, is refused', (t) => {
  t.is(t.context.seen.asked, 3);
  t.is(t.context.seen.taken, 'CONFLICT');
  t.is(t.context.seen.malformed, 'INVALID');
});

test('sockets are opened again in another namespace, and only then', (t) => {
  t.is(t.context.seen.sameNamespace, 0);
  t.deepEqual(t.context.seen.otherNamespace, [3, '7.4 169.254.169.254 169.254.169.254 hello', '7 169.254.169.254 hello 240.64.0.16']);
});

test('a closed listener takes nobody', (t) => {
  t.is(t.context.seen.closed, 'ECONNREFUSED');
});
