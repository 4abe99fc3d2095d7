import { createHmac } from 'node:crypto';
import test from 'ava';
import { type Identity, towardsNova, towardsVm } from './headers.ts';

const identity: Identity = { instanceId: 'id-1', tenantId: 'aaaa', address: '10.1.0.11' };
const nova = { url: new URL('http://nova:8775/'), secret: 'hunter2' };
const signature = createHmac('sha256', 'hunter2').update('id-1').digest('hex');
const added = ['X-Instance-ID', 'id-1', 'X-Instance-ID-Signature', signature, 'X-Tenant-ID', 'aaaa', 'X-Forwarded-For', '10.1.0.11'];

test('signs the instance id as Nova checks it', (t) => {
  // printf id-1 | openssl dgst -sha256 -hmac hunter2
  t.is(signature, '95ea5ebeb51762abd1026092c66213c166a2a53fb544fd9ded5a50d46ee87333');
  t.deepEqual(towardsNova([], identity, nova, false), ['Host', 'nova:8775', ...added]);
});

test('a port without an address says none', (t) => {
  const { address: _, ...bare } = identity;
  t.false(towardsNova([], bare, nova, false).includes('X-Forwarded-For'));
});

for (const forged of [
  'X-Instance-ID',
  'x-instance-id',
  'X_Instance_ID',
  'X.Instance.ID',
  'x!tenant~id',
  'X-Instance_Id-Signature',
  'X-Instance-ID-Signature',
  'X-Tenant-ID',
  'x_tenant_id',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X_FORWARDED_FOR',
  'Forwarded',
  'X-Metadata-Provider',
  'X-Metadata-Provider-Signature',
  'X-Real-IP',
  'X-Neutron-Network-ID',
  'X-OVN-Network-ID',
])
  test(`the VM’s own ${forged} does not pass`, (t) => {
    t.deepEqual(towardsNova(['Accept', '*/*', forged, 'evil', 'A', 'b'], identity, nova, false), [
      'Host',
      'nova:8775',
      'Accept',
      '*/*',
      'A',
      'b',
      ...added,
    ]);
  });

for (const name of [
  'Connection',
  'Keep-Alive',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Expect',
  'Host',
  'Proxy-Connection',
  'Proxy-Authorization',
])
  test(`${name} ends at each connection`, (t) => {
    t.deepEqual(towardsNova([name, 'x', 'Accept', '*/*'], identity, nova, false).slice(2, 4), ['Accept', '*/*']);
  });

test('what Connection names ends with it, but never how long the body is', (t) => {
  const raw = ['Connection', 'close, X-Odd', 'connection', 'Content-Length', 'x-odd', '1', 'Content-Length', '5', 'X-Even', '2'];
  t.deepEqual(towardsNova(raw, identity, nova, false).slice(2, 6), ['Content-Length', '5', 'X-Even', '2']);
  t.deepEqual(towardsVm(raw), ['Content-Length', '5', 'X-Even', '2']);
});

test('a VM cannot have the proxy drop what the proxy adds', (t) => {
  const sent = towardsNova(['Connection', 'X-Instance-ID, X-Tenant-ID, X-Instance-ID-Signature, X-Forwarded-For'], identity, nova, false);
  t.deepEqual(sent, ['Host', 'nova:8775', ...added]);
});

test('tokens of the plugin’s own stay here; others pass', (t) => {
  const raw = ['X-aws-ec2-metadata-token', 'abc'];
  t.false(towardsNova(raw, identity, nova, true).includes('abc'));
  t.true(towardsNova(raw, identity, nova, false).includes('abc'));
});

test('order, case and repetition of other headers are kept', (t) => {
  const raw = ['B', '1', 'a', '2', 'B', '3', 'Cookie', 'x'];
  t.deepEqual(towardsNova(raw, identity, nova, false).slice(2, 10), raw);
});
