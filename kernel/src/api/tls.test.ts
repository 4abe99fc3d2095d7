import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import type { TlsHandoff } from '../../contract/system/index.ts';
import { tlsHandoff } from '../boot/certificate.ts';
import { makeApi, type TestApi } from './test/api.ts';
import { listenOnTls } from './tls.ts';

const off = { listen: '', certificate: '', key: '', clientCa: '', crl: '' };

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'weft-tls-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function ask(port: number, path: string, options: RequestOptions): Promise<Answer> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, ...options }, resolve)
      .on('error', reject)
      .end();
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** An authority, and a certificate of it for this name. */
function clientCertificate(dir: string, name: string): { ca: string; cert: Buffer; key: Buffer } {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl('req', '-new', ...key, '-subj', `/CN=${name}`, '-keyout', 'client.key', '-out', 'client.csr');
  openssl('x509', '-req', '-in', 'client.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-out', 'client.pem');
  const read = (file: string): Buffer => readFileSync(join(dir, file));
  return { ca: join(dir, 'ca.pem'), cert: read('client.pem'), key: read('client.key') };
}

/** A revocation list of the authority in this folder, with or without the client's certificate in it. */
function revocationList(dir: string, revoked: boolean): string {
  const path = join(dir, 'crl.pem');
  writeFileSync(join(dir, 'index.txt'), '');
  writeFileSync(join(dir, 'ca.cnf'), '[ca]\ndefault_ca=all\n[all]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=2\n');
  const ca = (...args: string[]): void => {
    execFileSync('openssl', ['ca', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key', ...args], { cwd: dir, stdio: 'ignore' });
  };
  if (revoked) ca('-revoke', 'client.pem');
  ca('-gencrl', '-out', path);
  return path;
}

async function serve(t: ExecutionContext, dir: string, clientCa: string, crl = ''): Promise<{ api: TestApi; tls: TlsHandoff }> {
  const api = await makeApi(t);
  const said: string[] = [];
  const tls = tlsHandoff({ ...off, listen: `127.0.0.1:${await freePort()}`, clientCa, crl }, dir, (line) => said.push(line));
  if (tls === undefined) throw new Error('no TLS');
  t.regex(said.join(), /certificate .*tls\/certificate\.pem \(SHA-256 ([0-9A-F]{2}:){31}/);
  t.is(statSync(join(dir, 'tls/key.pem')).mode & 0o777, 0o600);
  const server = await listenOnTls(api.app, tls);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { api, tls };
}

test('over TLS a caller is known by its token, or by its certificate, and otherwise by nothing', async (t) => {
  const dir = folder(t);
  const { ca: authority, cert, key } = clientCertificate(dir, 'alice');
  const { api, tls } = await serve(t, dir, authority);
  const { port, certificate: ca } = tls;
  await api.ask('POST', '/v1/tokens', { metadata: { name: 'ci' } });
  await api.ask('POST', '/v1/roles', {
    metadata: { name: 'all' },
    spec: { role: 'viewer', everywhere: true, subjects: ['token:ci', 'cert:alice'] },
  });
  const { token } = (await api.ask('POST', '/v1/tokens/ci/issue')).json<{ token: string }>();
  api.uid = null;
  t.is((await ask(port, '/v1/status', { ca })).status, 401);
  t.is((await ask(port, '/v1/status', { ca, headers: { authorization: `Bearer ${token}` } })).status, 200);
  t.is((await ask(port, '/v1/status', { ca, cert, key })).status, 200);
  t.is((await ask(port, '/v1/history', { ca, cert, key })).status, 403);
  const other = clientCertificate(folder(t), 'alice');
  t.is((await ask(port, '/v1/status', { ca, cert: other.cert, key: other.key })).status, 401, 'a certificate of another authority');
  await t.throwsAsync(ask(port, '/v1/status', {}), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});

test('a certificate that was taken back is worth nothing, whatever its name may do', async (t) => {
  for (const revoked of [true, false]) {
    const dir = folder(t);
    const { ca: authority, cert, key } = clientCertificate(dir, 'alice');
    const { api, tls } = await serve(t, dir, authority, revocationList(dir, revoked));
    await api.ask('POST', '/v1/roles', { metadata: { name: 'all' }, spec: { role: 'viewer', everywhere: true, subjects: ['cert:alice'] } });
    api.uid = null;
    t.is((await ask(tls.port, '/v1/status', { ca: tls.certificate, cert, key })).status, revoked ? 401 : 200);
  }
});

test('what is no HTTP is answered over TLS as on the socket', async (t) => {
  const { tls } = await serve(t, folder(t), '');
  const socket = connect({ host: '127.0.0.1', port: tls.port, ca: tls.certificate });
  socket.write('this is no HTTP\r\n\r\n');
  t.regex(await text(socket), /^HTTP\/1.1 400 .*application\/problem\+json.*"code":"MALFORMED"/s);
});

test('the certificate stays the same from start to start', (t) => {
  const dir = folder(t);
  const make = () => tlsHandoff({ ...off, listen: '[::1]:8082' }, dir, () => undefined);
  t.deepEqual(make(), make());
  t.like(make(), { host: '::1', port: 8082 });
  t.is(
    tlsHandoff(off, dir, () => undefined),
    undefined,
  );
});

test('a file that is missing, or only one of the two, is named by its setting', (t) => {
  const dir = folder(t);
  const make = (given: object) => () => tlsHandoff({ ...off, listen: '127.0.0.1:1', ...given }, dir, () => undefined);
  t.throws(make({ certificate: '/nowhere.pem' }), { message: /belong together/ });
  t.throws(make({ certificate: '/nowhere.pem', key: '/nowhere.key' }), { message: /^api\.tls\.certificate: ENOENT/ });
  t.throws(make({ clientCa: '/nowhere.pem' }), { message: /^api\.tls\.clientCa: ENOENT/ });
  t.throws(make({ crl: '/nowhere.pem' }), { message: /^api\.tls\.crl: ENOENT/ });
});
