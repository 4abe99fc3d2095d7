/** A backup of a running appliance comes back on another one, and on itself; nothing else is taken for one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Appliance, run } from '../run/appliance.ts';

const objects = [
  { kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } },
  { kind: 'Port', metadata: { name: 'web' }, spec: { network: 'red', binding: { type: 'none' } } },
  { kind: 'Secret', metadata: { name: 'nova' }, spec: { data: { word: 'hidden' } } },
  { kind: 'Token', metadata: { name: 'ci' } },
];

interface Listed {
  readonly items: readonly { readonly metadata: { readonly revision: number } }[];
}

async function content(appliance: Appliance): Promise<unknown> {
  return await Promise.all(['virtual-networks', 'ports', 'secrets', 'tokens', 'projects'].map((kind) => appliance.json(['get', kind])));
}

test('a backup that is made under load comes back elsewhere and at home', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-backup-'));
  const file = join(dir, 'weft.backup');
  const first = new Appliance();
  const second = new Appliance({ stateDir: join(dir, 'second') });
  t.teardown(async () => {
    await Promise.all([first.stop(), second.stop()]);
    rmSync(dir, { recursive: true, force: true });
  });
  await first.start();
  await first.apply(objects);
  const before = await content(first);
  const lastRevision = Math.max(...(await first.json<Listed>(['get', 'ports'])).items.map(({ metadata }) => metadata.revision));

  let writing = true;
  const load = (async () => {
    for (let index = 0; writing; index += 1) await first.apply([{ kind: 'Role', metadata: { name: 'busy' }, spec: busy(index) }]);
  })();
  await first.must(['backup', '-w', file, '--with-key']);
  writing = false;
  await load;
  const restore = (stateDir: string, from = file) => run('kernel/cli/bin/weft', ['restore', from, '--state-dir', stateDir]);
  t.regex((await restore(first.stateDir)).stderr, /already running/);

  const damaged = join(dir, 'damaged');
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(damaged, bytes);
  const refused = await restore(second.stateDir, damaged);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /^error: the backup .* is damaged or not whole: its checksum does not fit: take another copy of it\n$/);

  t.regex((await restore(second.stateDir)).stdout, /^restored revision \d+ of .*\n/);
  await second.start();
  t.deepEqual(withoutRevision(await content(second)), withoutRevision(before), 'the same objects, with their uids, numbers and addresses');
  t.is((await second.json<{ alarms: unknown[] }>(['status'])).alarms.length, 0, 'the secrets can be opened');
  const gone = await run('curl', ['-s', '--unix-socket', join(second.stateDir, 'api.sock'), `http://weft/v1/watch?since=${lastRevision}`]);
  t.regex(gone.stdout, /REVISION_GONE.*a backup was restored since then/);
  await second.must(['rollback', `${lastRevision}`, '--dry-run']);

  await first.must(['delete', 'port', 'web']);
  await first.stop(false);
  const { stdout } = await restore(first.stateDir);
  t.regex(stdout, /the former store is kept: weft restore .*before-restore-/);
  await first.start();
  t.deepEqual(withoutRevision(await content(first)), withoutRevision(before));
});

function busy(index: number): object {
  return { role: 'viewer', subjects: [`uid:${1_000 + index}`] };
}

/** That of a list tells where its reader is, which is elsewhere now. */
function withoutRevision(lists: unknown): unknown {
  return (lists as Listed[]).map(({ items }) => items);
}
