/** Fuzz target: what is done with a request once it is read, on whatever a VM may send: target, headers, tokens, and what goes on to Nova. */
import assert from 'node:assert/strict';
import { type Ask, answer } from '../builtin/answer.ts';
import { Site } from '../builtin/site.ts';
import { originForm, partsOf } from '../builtin/target.ts';
import { Tokens } from '../builtin/token.ts';
import type { Guest } from '../guest.ts';
import { towardsNova, towardsVm } from '../proxy/headers.ts';
import { alice, instanceData, instanceIds, network, port } from './world.ts';

const guest: Guest = {
  port: port('a', 'red', 'web1', 1, ['10.1.0.11', '2001:db8:1::11'], { hostname: 'web1', instanceId: instanceIds.web1 }),
  network: network('a', 'red', 1),
  projectUuid: 'aaaaaaaa-0000-4000-8000-00000000000a',
  data: instanceData('a', 'web1', { userData: '#cloud-config\n', keys: [alice], metaData: { role: 'web' } }).spec,
  availabilityZone: 'weft-1a',
};
const site = new Site(guest);
const tokens = new Tokens(Buffer.alloc(32, 3), () => 1_000_000);
const good = tokens.issue('me', 60);
const foreign = tokens.issue('you', 60);
const nova = { url: new URL('http://nova:8775'), secret: 'hunter2' };
const identity = { instanceId: instanceIds.web1, tenantId: 'aaaa', address: '10.1.0.11' };
const signature = towardsNova([], identity, nova, false)[5] ?? '';

const asked = [
  '/',
  '/latest/meta-data/',
  '/latest/meta-data/instance-id',
  '/2009-04-04/user-data',
  '/openstack/latest/meta_data.json',
  '/openstack',
];
const lines = [
  'Host: x',
  `X-aws-ec2-metadata-token: ${good}`,
  `X-aws-ec2-metadata-token: ${foreign}`,
  'X-Instance-ID: evil',
  'x_tenant-id: evil',
  'Connection: close, x-tenant-id',
];

export const seeds: readonly Buffer[] = [
  ...asked.map((path) => `GET ${path} HTTP/1.1\r\n${lines[0]}\r\n\r\n`),
  ...lines.map((line) => `GET /latest/meta-data/public-keys/0/openssh-key HTTP/1.1\r\nHost: x\r\n${line}\r\n\r\n`),
  'GET http://169.254.169.254/latest/%6deta-data/network/interfaces/macs/02%3A00:00:00:00:01/mac?x HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /latest/..%2f%2e%2e/../%00/%ff HTTP/1.1\r\nHost: x\r\n\r\n',
  'PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\nX-Forwarded-For: 1\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTE: trailers\r\nForwarded: for=evil\r\n\r\nabc',
].map((text) => Buffer.from(text, 'latin1'));

const statuses = new Set([200, 204, 400, 401, 403, 404, 405]);

export function run(data: Buffer): void {
  const { method, target, raw } = read(data.toString('latin1'));
  checkHeaders(raw);
  const path = originForm(target);
  if (path === undefined) return;
  assert.ok(path.startsWith('/'));
  const headers = merged(raw);
  const [open, closed] = [false, true].map((required) => answer({ method, path, headers }, site, { tokens, holder: 'me', required }));
  assert.ok(open && closed && statuses.has(open.status) && statuses.has(closed.status));
  const held = headers['x-aws-ec2-metadata-token'] === good;
  if (held) assert.equal(closed.status, open.status);
  else if (closed.status === 200) assert.ok(method === 'PUT' && tokens.verify('me', closed.body.toString()), 'an answer without a token');
  if (open.status === 200 && method !== 'PUT') assert.ok(site.find(partsOf(path) ?? [])?.body.equals(open.body));
}

/** What is added stands there once, last, and nothing forged before it. */
function checkHeaders(raw: readonly string[]): void {
  const sent = towardsNova(raw, identity, nova, true);
  assert.deepEqual(sent.slice(-8), [
    'X-Instance-ID',
    instanceIds.web1,
    'X-Instance-ID-Signature',
    signature,
    'X-Tenant-ID',
    'aaaa',
    'X-Forwarded-For',
    '10.1.0.11',
  ]);
  assert.deepEqual(sent.slice(0, 2), ['Host', 'nova:8775']);
  for (const [index, name] of sent.slice(0, -8).entries()) {
    if (index % 2 === 1 || index === 0) continue;
    assert.doesNotMatch(
      name.replaceAll('_', '-'),
      /^(x-(instance-id|tenant-id|forwarded|metadata-provider|real-ip|aws-ec2-metadata-token)|forwarded|host$|connection$)/i,
    );
  }
  assert.ok(towardsVm(raw).length <= raw.length);
}

/** A request as Node reads it, without its strictness. */
function read(text: string): { method: string; target: string; raw: readonly string[] } {
  const [first = '', ...rest] = text.split('\r\n');
  const [method = '', target = ''] = first.split(' ');
  const raw = rest.flatMap((line) => {
    const colon = line.indexOf(':');
    return colon <= 0 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { method, target, raw };
}

function merged(raw: readonly string[]): Ask['headers'] {
  const headers: Record<string, string> = Object.create(null);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    headers[name] = headers[name] === undefined ? (raw[index + 1] ?? '') : `${headers[name]}, ${raw[index + 1]}`;
  }
  return headers;
}
