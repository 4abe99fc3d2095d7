import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { WeftObject } from '../../contract/system/index.ts';
import { armFailpoints } from '../failpoints/index.ts';
import { ObjectStore } from './object-store.ts';

function put(name: string) {
  const metadata = { name, project: 'default', uid: name, revision: 0, generation: 1, createdAt: '2026-01-01T00:00:00.000Z' };
  const object: WeftObject = { apiVersion: 'weft/v1', kind: 'Thing', metadata, spec: {}, status: {} };
  return { op: 'put', object } as const;
}

test('a store that could not sync writes nothing more, tells its owner, and a new start has every revision once', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'weft-store-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  const told: string[] = [];
  const store = new ObjectStore({ path, onBroken: ({ error }) => told.push(error.code) });
  await store.commit([put('a')], 'user:x');
  armFailpoints('store.before-sync=throw@1');
  const error = { message: /nobody knows whether the change is on the disk/ };
  await t.throwsAsync(store.commit([put('b')], 'user:x'), error);
  t.deepEqual(told, ['INTERNAL']);
  await t.throwsAsync(store.commit([put('c')], 'user:x'), error);
  await t.throwsAsync(store.saveSetting('x', 1), error);
  await store.close();
  const again = new ObjectStore({ path });
  t.teardown(() => again.close());
  await again.commit([put('d')], 'user:x');
  t.deepEqual(
    [...again.history()].map(({ revision, object }) => [revision, object.metadata.name]),
    again.list('Thing').map(({ metadata }) => [metadata.revision, metadata.name]),
  );
});
