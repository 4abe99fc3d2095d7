import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlugin } from '@weft/kernel/sdk/testing';
import test from 'ava';
import plugin from '../index.ts';
import type { Metadata } from '../kinds.ts';
import { fetchOnce } from './client.ts';
import { FakeNova } from './fake-nova.ts';
import { instanceIds, metadata, ports, secret, tenants } from './world.ts';

const folder = mkdtempSync(join(tmpdir(), 'weft-nova-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** A certificate that vouches for itself, and its key. */
function pair(name: string, subjectAltName: string): { cert: string; key: string } {
  const files = [join(folder, `${name}.key`), join(folder, `${name}.pem`)] as const;
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', files[0], '-out', files[1]];
  execFileSync('openssl', ['req', '-x509', ...made, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${subjectAltName}`], {
    stdio: 'ignore',
  });
  return { key: readFileSync(files[0], 'utf8'), cert: readFileSync(files[1], 'utf8') };
}

const server = pair('nova', 'IP:127.0.0.1,DNS:localhost');
const other = pair('other', 'DNS:other.example');
const client = pair('weft', 'DNS:weft');

interface Case {
  readonly title: string;
  readonly nova?: Partial<NonNullable<Metadata['spec']['nova']>>;
  readonly tls: { cert: string; key: string };
  readonly status: number;
  readonly reason: RegExp;
}

const both = { caRef: 'ca', clientCertificateRef: 'client' };
const cases: readonly Case[] = [
  { title: 'with its CA and the client’s certificate it answers', nova: both, tls: server, status: 200, reason: /^$/ },
  {
    title: 'without the CA it is not trusted',
    nova: { clientCertificateRef: 'client' },
    tls: server,
    status: 502,
    reason: /nobody known vouches for: set nova.caRef/,
  },
  { title: 'another server is not trusted', nova: both, tls: other, status: 502, reason: /nobody known vouches for|another name/ },
  {
    title: 'without the client’s certificate it does not answer',
    nova: { caRef: 'ca' },
    tls: server,
    status: 502,
    reason: /TLS|breaks connections off|fails/,
  },
];

for (const { title, nova = {}, tls, status, reason } of cases)
  test(`Nova over TLS: ${title}`, async (t) => {
    const fake = new FakeNova('hunter2', { ...tls, ca: client.cert, requestCert: true, rejectUnauthorized: true });
    const url = await fake.listen();
    const secrets = [
      secret('a', 'nova', { secret: 'hunter2' }),
      secret('a', 'ca', { ca: server.cert }),
      secret('a', 'client', { certificate: client.cert, key: client.key }),
    ];
    const proxied = metadata('a', 'all', { mode: 'proxy', nova: { url, secretRef: 'nova', ...nova } });
    const running = await startPlugin(plugin, { objects: [...tenants, ...secrets, proxied as never], config: { deniedUpstreams: [] } });
    t.teardown(async () => {
      await running.stop();
      fake.close();
    });
    const reply = await fetchOnce(running, ports.web1, '/');
    t.is(reply.status, status, reply.text);
    if (status === 200) t.is(reply.text, instanceIds.web1);
    const seen = () => `${running.kernel.status({ kind: 'Metadata', project: 'a', name: 'all' })?.reason ?? ''}`;
    await running.until(() => reason.test(seen()));
    t.regex(seen(), reason);
  });

test('http to a TLS port is said as what it is', async (t) => {
  const fake = new FakeNova('hunter2', server);
  const url = (await fake.listen()).replace('https', 'http');
  const proxied = metadata('a', 'all', { mode: 'proxy', nova: { url, secretRef: 'nova' } });
  const objects = [...tenants, secret('a', 'nova', { secret: 'hunter2' }), proxied as never];
  const running = await startPlugin(plugin, { objects, config: { deniedUpstreams: [] } });
  t.teardown(async () => {
    await running.stop();
    fake.close();
  });
  t.is((await fetchOnce(running, ports.web1, '/')).status, 502);
});
