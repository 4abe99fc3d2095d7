import test from 'ava';
import { putAllBody, putBody, rangeBody, watchBody } from './etcd.ts';

const text = (base64: unknown) => Buffer.from(String(base64), 'base64').toString();

test('bodies carry bytes in base64', (t) => {
  const put = JSON.parse(putBody('Project//p1', '{"a":"ü"}')) as Record<string, unknown>;
  t.deepEqual([text(put.key), text(put.value)], ['Project//p1', '{"a":"ü"}']);
  const { success } = JSON.parse(
    putAllBody([
      ['a', '1'],
      ['b', '2'],
    ]),
  ) as { success: { request_put: Record<string, unknown> }[] };
  t.deepEqual(
    success.map(({ request_put }) => [text(request_put.key), text(request_put.value)]),
    [
      ['a', '1'],
      ['b', '2'],
    ],
  );
});

test('a range is one key, or ends right behind the prefix', (t) => {
  t.deepEqual(Object.keys(JSON.parse(rangeBody('p1')) as object), ['key']);
  const prefix = JSON.parse(rangeBody('Project/', true)) as Record<string, unknown>;
  t.deepEqual([text(prefix.key), text(prefix.range_end)], ['Project/', 'Project0']);
  const { create_request } = JSON.parse(watchBody('Project/')) as { create_request: Record<string, unknown> };
  t.deepEqual([text(create_request.key), text(create_request.range_end)], ['Project/', 'Project0']);
});
