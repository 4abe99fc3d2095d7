import test from 'ava';
import type { InstanceData } from '../kinds.ts';
import { alice, instanceData, instanceIds, network, port } from '../test/world.ts';
import { type Ask, answer } from './answer.ts';
import { ec2Versions } from './ec2.ts';
import { Site } from './site.ts';
import { Tokens } from './token.ts';

const bob = 'ssh-rsa AAAAB3NzaC1yc2E= alice';
const nameless = 'ssh-rsa AAAAB3NzaC1yc2E=';
const tokens = new Tokens(Buffer.alloc(32, 1), () => 0);

function siteOf(data?: Partial<InstanceData['spec']>, addresses: readonly string[] = ['10.1.0.11', '2001:db8:1::11']): Site {
  return new Site({
    port: port('a', 'red', 'web.1', 1, addresses, { instanceId: instanceIds.web1 }),
    network: network('a', 'red', 1),
    projectUuid: 'aaaaaaaa-0000-4000-8000-00000000000a',
    data: data && instanceData('a', 'web.1', data).spec,
    availabilityZone: 'weft-1a',
  });
}

const full = siteOf({
  userData: '#cloud-config\n',
  keys: [alice, bob, nameless],
  metaData: { role: 'web', __proto__x: 'y' },
  instanceType: 'm1.small',
});

function ask(path: string, more: Partial<Ask> = {}, site = full, required = false) {
  return answer({ method: 'GET', path, headers: {}, ...more }, site, { tokens, holder: 'me', required });
}

for (const [path, expected] of [
  ['/latest/meta-data/instance-id', instanceIds.web1],
  ['/latest/meta-data/instance-id/', instanceIds.web1],
  ['//latest//meta-data/instance-id?x=1', instanceIds.web1],
  ['/latest/meta-data/hostname', 'web-1.red.a.weft.internal'],
  ['/latest/meta-data/local-hostname', 'web-1.red.a.weft.internal'],
  ['/latest/meta-data/local-ipv4', '10.1.0.11'],
  ['/latest/meta-data/ipv6', '2001:db8:1::11'],
  ['/latest/meta-data/mac', '02:00:00:00:00:01'],
  ['/latest/meta-data/instance-type', 'm1.small'],
  ['/latest/meta-data/ami-id', 'ami-00000000'],
  ['/latest/meta-data/placement/', 'availability-zone\nregion'],
  ['/latest/meta-data/placement/availability-zone', 'weft-1a'],
  ['/latest/meta-data/placement/region', 'weft-1'],
  ['/latest/meta-data/public-keys', '0=alice\n1=alice-1\n2=key-2'],
  ['/latest/meta-data/public-keys/', '0=alice\n1=alice-1\n2=key-2'],
  ['/latest/meta-data/public-keys/1', 'openssh-key'],
  ['/latest/meta-data/public-keys/0/openssh-key', alice],
  ['/latest/meta-data/public-keys/2/openssh-key', nameless],
  ['/latest/meta-data/network/', 'interfaces/'],
  ['/latest/meta-data/network/interfaces/macs', '02:00:00:00:00:01/'],
  ['/latest/meta-data/network/interfaces/macs/02%3A00:00:00:00:01/ipv6s', '2001:db8:1::11'],
  ['/latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/subnet-ipv4-cidr-block', '10.1.0.0/24'],
  ['/latest/meta-data/security-groups', 'default'],
  ['/latest/meta-data/tags/instance/', 'role\n__proto__x'],
  ['/latest/meta-data/tags/instance/role', 'web'],
  ['/latest/user-data', '#cloud-config\n'],
  ['/latest', 'dynamic/\nmeta-data/\nuser-data'],
  ['/', ec2Versions.join('\n')],
  ['/openstack/', '2012-08-10\n2013-04-04\n2013-10-17\n2015-10-15\n2016-06-30\n2016-10-06\n2017-02-22\n2018-08-27\n2020-10-14\nlatest'],
  ['/openstack/2012-08-10', 'meta_data.json\nuser_data'],
  ['/openstack/2013-10-17/', 'meta_data.json\nuser_data\npassword\nvendor_data.json'],
  ['/openstack/latest', 'meta_data.json\nuser_data\npassword\nvendor_data.json\nnetwork_data.json\nvendor_data2.json'],
  ['/openstack/latest/user_data', '#cloud-config\n'],
  ['/openstack/latest/password', ''],
  ['/openstack/latest/vendor_data.json', '{}'],
] as const)
  test(`GET ${path}`, (t) => {
    const { status, body } = ask(path);
    t.is(status, 200);
    t.is(body.toString(), expected);
  });

for (const path of [
  '/x',
  '/latest/x',
  '/latest/meta-data/instance-id/x',
  '/1999-01-01/meta-data',
  '/latest/constructor',
  '/__proto__',
  '/openstack/1999-01-01',
  '/openstack/2012-08-10/network_data.json',
  '/openstack/latest/meta_data.json/x',
  '/openstack/__proto__',
  '/openstack/latest/toString',
  '/ec2',
  '/latest/meta-data/public-keys/3',
  '/latest/api',
])
  test(`GET ${path}: there is no such item`, (t) => t.is(ask(path).status, 404));

test('the subnets of an interface are those that its addresses lie in', (t) => {
  const guest = {
    port: port('a', 'red', 'web1', 1, ['10.2.0.11']),
    network: network('a', 'red', 1, { subnets: ['10.1.0.0/24', '10.2.0.0/24', '2001:db8:1::/64'].map((cidr) => ({ cidr, dhcp: true })) }),
    projectUuid: '',
    data: undefined,
    availabilityZone: 'z1a',
  };
  const read = (item: string) => ask(`/latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/${item}`, {}, new Site(guest));
  t.is(read('subnet-ipv4-cidr-block').body.toString(), '10.2.0.0/24');
  t.is(read('subnet-ipv6-cidr-blocks').status, 404);
  t.is(read('vpc-ipv4-cidr-blocks').body.toString(), '10.1.0.0/24\n10.2.0.0/24');
});

test('keys of one name get names of their own, whatever those of others are', (t) => {
  const site = siteOf({ keys: ['ssh-rsa AAAA a', 'ssh-rsa BBBB a-2', 'ssh-rsa CCCC a'] });
  t.is(ask('/latest/meta-data/public-keys/', {}, site).body.toString(), '0=a\n1=a-2\n2=a-3');
});

test('every version that is listed answers', (t) => {
  for (const version of ec2Versions) t.is(ask(`/${version}/meta-data/instance-id`).body.toString(), instanceIds.web1, version);
});

test('every item that a listing shows is there, and nothing that is there is not shown', (t) => {
  const visit = (path: string): number => {
    const { status, body } = ask(path);
    t.is(status, 200, path);
    if (!path.endsWith('/')) return 1;
    // what `0=alice` names is the directory 0
    return body
      .toString()
      .split('\n')
      .reduce((sum, line) => sum + visit(`${path}${/^\d+=/.test(line) ? `${line.replace(/=.*/, '')}/` : line}`), 0);
  };
  t.is(visit('/latest/'), 35);
});

test('without addresses, keys, texts and user data their items are missing', (t) => {
  const bare = siteOf(undefined, []);
  for (const path of ['user-data', 'meta-data/local-ipv4', 'meta-data/ipv6', 'meta-data/public-keys', 'meta-data/tags'])
    t.is(ask(`/latest/${path}`, {}, bare).status, 404, path);
  t.is(ask('/openstack/latest/user_data', {}, bare).status, 404);
  t.false(ask('/openstack/latest', {}, bare).body.includes('user_data'));
  t.is(ask('/latest/meta-data/instance-id', {}, bare).status, 200);
});

test('user data passes to the byte', (t) => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const site = siteOf({ userDataBase64: bytes.toString('base64') });
  for (const path of ['/latest/user-data', '/openstack/latest/user_data']) {
    t.deepEqual(ask(path, {}, site).body, bytes);
    t.is(ask(path, {}, site).type, 'application/octet-stream');
  }
});

test('meta_data.json has what cloud-init reads', (t) => {
  const { body, type } = ask('/openstack/latest/meta_data.json');
  t.is(type, 'application/json');
  t.like(JSON.parse(body.toString()), {
    uuid: instanceIds.web1,
    hostname: 'web-1.red.a.weft.internal',
    name: 'web.1',
    project_id: 'aaaaaaaa00004000800000000000000a',
    availability_zone: 'weft-1a',
    launch_index: 0,
    meta: { role: 'web' },
    public_keys: { alice, 'alice-1': bob, 'key-2': nameless },
    keys: [{ name: 'alice', type: 'ssh', data: alice }],
  });
});

test('vendor and network data are those of the object when it has them', (t) => {
  const site = siteOf({ vendorData: { 'cloud-init': '#cloud-config' }, networkData: { links: [] } });
  t.deepEqual(JSON.parse(ask('/openstack/latest/vendor_data.json', {}, site).body.toString()), { 'cloud-init': '#cloud-config' });
  t.deepEqual(JSON.parse(ask('/openstack/latest/network_data.json', {}, site).body.toString()), { links: [] });
});

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND'])
  test(`${method} of an item is not allowed`, (t) => {
    const { status, headers } = ask('/latest/meta-data/instance-id', { method });
    t.is(status, 405);
    t.deepEqual(headers, [['Allow', 'GET, HEAD, OPTIONS']]);
  });

test('OPTIONS tells the methods', (t) => {
  t.deepEqual(
    [ask('/latest', { method: 'OPTIONS' })].map(({ status, headers }) => [status, headers]),
    [[204, [['Allow', 'GET, HEAD, OPTIONS']]]],
  );
  t.deepEqual(ask('/latest/api/token', { method: 'OPTIONS' }).headers, [['Allow', 'PUT, OPTIONS']]);
});

const ttl = 'x-aws-ec2-metadata-token-ttl-seconds';
const put = (headers: Ask['headers']) => ask('/latest/api/token', { method: 'PUT', headers });

test('PUT gives a token, which then answers; a wrong one does not, even where none is needed', (t) => {
  const given = put({ [ttl]: '60' });
  t.is(given.status, 200);
  t.deepEqual(given.headers, [[ttl, '60']]);
  const token = given.body.toString();
  for (const path of ['/latest/meta-data/instance-id', '/openstack/latest/meta_data.json', '/']) {
    t.is(ask(path, {}, full, true).status, 401, path);
    t.is(ask(path, { headers: { 'x-aws-ec2-metadata-token': token } }, full, true).status, 200, path);
    t.is(ask(path, { headers: { 'x-aws-ec2-metadata-token': `${token}x` } }, full, false).status, 401, path);
  }
});

test('a token is refused without a time to live, through a proxy, and to other methods', (t) => {
  t.is(put({}).status, 400);
  t.is(put({ [ttl]: '21601' }).status, 400);
  t.is(put({ [ttl]: '60', 'x-forwarded-for': '10.0.0.1' }).status, 403);
  t.is(ask('/latest/api/token').status, 405);
  t.is(ask('/latest/api/token', { method: 'POST', headers: { [ttl]: '60' } }).status, 405);
  t.is(ask('/latest/api/token/', { method: 'PUT', headers: { [ttl]: '60' } }).status, 200);
});
