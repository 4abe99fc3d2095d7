import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { shelf } from '../apply/test/world.ts';
import { makeApi } from './test/api.ts';

const magic = 'weft-backup 1\n';
const digestBytes = 32;

test('a backup holds what there is and is for administrators of the system alone', async (t) => {
  const api = await makeApi(t);
  await api.world.apply([
    shelf('a', { width: 7 }),
    { kind: 'Role', metadata: { name: 'r' }, spec: { role: 'operator', subjects: ['uid:1001'], everywhere: true } },
  ]);
  const { statusCode, headers, rawPayload } = await api.ask('GET', '/v1/backup');
  t.is(statusCode, 200);
  t.is(headers['content-type'], 'application/octet-stream');
  t.is(rawPayload.subarray(0, magic.length).toString(), magic);
  const lines = gunzipSync(rawPayload.subarray(magic.length, -digestBytes)).toString().trim().split('\n');
  t.like(JSON.parse(lines[0] ?? ''), { header: { revision: api.world.store.revision, floor: 0 } });
  t.deepEqual(JSON.parse(lines.at(-1) ?? ''), { end: { lines: lines.length - 1 } });
  t.true(lines.some((line) => line.startsWith('{"object":') && line.includes('"Shelf"')));

  t.is((await api.ask('GET', '/v1/backup?withKey=maybe')).statusCode, 400);
  api.uid = 1001;
  t.is((await api.ask('GET', '/v1/backup')).statusCode, 403, 'an operator of everything is none');
  t.regex(readFileSync(`${api.logDir}/audit.log`, 'utf8'), /backup/, 'it is written down who made one');
});
