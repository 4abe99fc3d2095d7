/** Fuzz target: whole connections, from bytes through Node's parser and the bounds of the server to the bytes that come back. No socket is opened. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { formatKey, keyOf, type ObjectKey, type WeftObject } from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';
import { Value } from 'typebox/value';
import { Tokens } from '../builtin/token.ts';
import { Claims } from '../claims.ts';
import { metadataConfig } from '../config.ts';
import { Directory } from '../directory.ts';
import { Responder } from '../http/responder.ts';
import { MetadataServer } from '../http/server.ts';
import { Tally } from '../http/tally.ts';
import { instanceIds, ports, tenants } from './world.ts';

/** A connection whose other end is this file. */
class Line extends Duplex {
  readonly heard: Buffer[] = [];
  bytesRead = 0;

  feed(data: Buffer | null): void {
    this.bytesRead += data?.length ?? 0;
    this.push(data);
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  override _read(): void {
    // bytes come when they come
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.heard.push(Buffer.from(chunk));
    done();
  }
}

const objects = new Map(tenants.map((object) => [formatKey(keyOf(object as WeftObject)), object as unknown as WeftObject]));
const cache: Pick<ObjectCache, 'get'> = {
  get: <T extends WeftObject<object, object>>(key: ObjectKey) => objects.get(formatKey(key)) as unknown as T | undefined,
};
const config = { ...Value.Create(metadataConfig), requestRate: 1_000_000, requestBurst: 1_000_000 };
const directory = new Directory(cache, new Claims(), config);
for (const object of objects.values()) directory.follow(undefined, object);
const tally = new Tally();
const tokens = new Tokens(Buffer.alloc(32, 3), () => 1_000_000);
const nobody = { get: () => undefined };
const silent = { outcome: () => undefined };
const responder = new Responder({ directory, tokens, upstreams: nobody, health: silent, tally, config });
const server = new MetadataServer(directory, config, tally, responder);

const get = 'GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\n\r\n';
export const seeds: readonly Buffer[] = [
  get,
  get.repeat(4),
  'HEAD /openstack/latest/meta_data.json HTTP/1.1\r\nHost: [fd00:ec2::254]\r\nConnection: close\r\n\r\n',
  'PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0\r\n\r\n',
  `PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\n${get}`,
  `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello${get}`,
  'GET http://169.254.169.254/latest/user-data HTTP/1.0\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n',
  'CONNECT 10.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n',
].map((text) => Buffer.from(text, 'latin1'));

const others = [instanceIds.twin, instanceIds.web6];

export async function run(data: Buffer): Promise<void> {
  const line = new Line({ allowHalfOpen: true });
  server.accept(line as unknown as Socket, { port: ports.web1, generation: 1, address: '169.254.169.254' });
  // As two segments: a parser has to keep its place.
  const half = data.length >> 1;
  line.feed(data.subarray(0, half));
  line.feed(data.subarray(half));
  await new Promise(setImmediate);
  const heard = Buffer.concat(line.heard).toString('latin1');
  line.destroy();
  await new Promise(setImmediate);
  assert.equal(server.connections, 0, 'a connection is left');
  assert.match(heard, /^($|HTTP\/1\.1 (100|2\d\d|4\d\d|505) )/);
  for (const other of others) assert.ok(!heard.includes(other), 'the data of another port');
  if (data.equals(seeds[1] ?? data)) assert.equal(heard.split(instanceIds.web1).length, 5);
}
