import type { WeftObject } from '@weft/kernel/contract/system';
import { startPlugin } from '@weft/kernel/sdk/testing';
import test from 'ava';
import plugin from '../index.ts';
import type { InstanceData, Metadata } from '../kinds.ts';
import { alice, instanceData, metadata, secret, tenants } from './world.ts';

const nova = { url: 'http://192.0.2.10:8775', secretRef: 'nova' };
const shared = secret('a', 'nova', { secret: 'hunter2' });
const client = secret('a', 'client', { certificate: 'no PEM', key: 'no PEM' });

const proxy = (change: Partial<NonNullable<Metadata['spec']['nova']>>) =>
  metadata('a', 'm', { mode: 'proxy', nova: { ...nova, ...change } });
const data = (change: Partial<InstanceData['spec']>) => instanceData('a', 'plain', change);

const refused: readonly [string, WeftObject<object, object>, string, RegExp][] = [
  ['proxy without nova', metadata('a', 'm', { mode: 'proxy' }), '/spec/nova', /needs to know where Nova is/],
  ['a URL without a host', proxy({ url: 'http://:80' }), '/spec/nova/url', /no http or https URL/],
  ['a URL of another scheme', proxy({ url: 'ftp://nova' }), '/spec/nova/url', /no http or https URL/],
  ['a URL with a password', proxy({ url: 'http://u:p@nova' }), '/spec/nova/url', /user or password/],
  [
    'the host’s own address',
    proxy({ url: 'http://127.1:8775' }),
    '/spec/nova/url',
    /127\.0\.0\.1 is denied by the setting deniedUpstreams/,
  ],
  ['the same in IPv6', proxy({ url: 'http://[::ffff:127.0.0.1]:8775' }), '/spec/nova/url', /::ffff:7f00:1 is denied by the setting/],
  ['a URL with a query', proxy({ url: 'http://nova/?a' }), '/spec/nova/url', /query/],
  ['a secret without the value', proxy({ secretRef: 'two' }), '/spec/nova/secretRef', /Secret\/a\/two has no value "secret"/],
  ['a certificate that is none', proxy({ caRef: 'nova' }), '/spec/nova/caRef', /no certificate/],
  ['a key that is none', proxy({ clientCertificateRef: 'client' }), '/spec/nova/clientCertificateRef', /no pair/],
  ['half a pair', proxy({ clientCertificateRef: 'nova' }), '/spec/nova/clientCertificateRef', /no value "certificate"/],
  ['a second one for a project', metadata('b', 'm'), '/spec/scope', /Metadata\/b\/whole is for the whole project/],
  [
    'a second one for a network',
    metadata('b', 'm', { scope: { network: 'red' } }),
    '/spec/scope/network',
    /Metadata\/b\/red is for this network/,
  ],
  [
    'a second one for a port',
    { ...instanceData('a', 'web1'), metadata: { ...data({}).metadata, name: 'other' } },
    '/spec/port',
    /InstanceData\/a\/web1/,
  ],
  ['user data twice', data({ userData: 'a', userDataBase64: 'YQ==' }), '/spec/userDataBase64', /twice/],
  ['base64 that is none', data({ userDataBase64: 'YQ=' }), '/spec/userDataBase64', /no base64/],
  ['user data of too many bytes', data({ userData: 'é'.repeat(40_000) }), '/spec/userData', /80000 bytes, at most 65536/],
  ['too much base64', data({ userDataBase64: Buffer.alloc(65_537).toString('base64') }), '/spec/userDataBase64', /65537 bytes/],
  ['a key that is a path', data({ keys: [alice, '/root/.ssh/id.pub'] }), '/spec/keys/1', /no public SSH key/],
  ['too much vendor data', data({ vendorData: { a: 'x'.repeat(70_000) } }), '/spec/vendorData', /bytes/],
];

async function started() {
  const more = [
    shared,
    client,
    secret('a', 'two', { x: '1', y: '2' }),
    metadata('b', 'whole'),
    metadata('b', 'red', { scope: { network: 'red' } }),
  ];
  return startPlugin(plugin, { objects: [...tenants, ...more] });
}

for (const [title, object, pointer, message] of refused)
  test(`refuses ${title}`, async (t) => {
    const running = await started();
    t.teardown(() => running.stop());
    const { refusals } = await running.write([object]);
    t.is(refusals.length, 1, JSON.stringify(refusals));
    t.is(refusals[0]?.pointer, pointer);
    t.regex(refusals[0]?.message ?? '', message);
    t.truthy(refusals[0]?.fix);
    t.notRegex(JSON.stringify(refusals), /hunter2|no PEM/);
  });

test('takes what is right, and says that it is active', async (t) => {
  const running = await started();
  t.teardown(() => running.stop());
  const { refusals, patches } = await running.write([proxy({}), data({ userData: 'x'.repeat(65_536), keys: [alice] })]);
  t.deepEqual(refusals, []);
  t.like(patches[0], { key: { kind: 'Metadata', name: 'm', project: 'a' }, status: { phase: 'Active', reason: '' } });
});

test('a secret with one value is that value, whatever its name', async (t) => {
  const running = await started();
  t.teardown(() => running.stop());
  const { refusals } = await running.write([secret('a', 'one', { password: 'x' }), proxy({ secretRef: 'one' })]);
  t.deepEqual(refusals, []);
});

test('in one change, what one gives up another may take, and only one', async (t) => {
  const running = await started();
  t.teardown(() => running.stop());
  const other = (name: string) => metadata('b', name, { scope: { network: 'red' } });
  t.deepEqual((await running.write([other('x')], [{ kind: 'Metadata', project: 'b', name: 'red' }])).refusals, []);
  t.like((await running.write([other('y'), other('z')], [{ kind: 'Metadata', project: 'b', name: 'x' }])).refusals, [
    { object: 'Metadata/b/z' },
  ]);
  // both at once
  const pair = [metadata('b', 'whole', { scope: { network: 'red' } }), metadata('b', 'x', { scope: {} })];
  t.deepEqual((await running.write(pair)).refusals, []);
});
