import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { allLayouts, rowLayouts } from './layout.ts';

const tools = import.meta.dirname;

test('the committed files are what the tables say', (t) => {
  const run = spawnSync(process.execPath, [join(tools, 'gen.ts'), '--check'], { encoding: 'utf8' });
  t.is(run.status, 0, run.stderr);
});

test('a stale file is named', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'weft-gen-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  cpSync(tools, join(root, 'forwarder/tools'), { recursive: true });
  for (const folder of ['forwarder/include', 'forwarder/src', 'forwarder/binding', 'kernel/contract/net', 'docs/reference'])
    mkdirSync(join(root, folder), { recursive: true });
  cpSync(join(tools, '../src/drop.def'), join(root, 'forwarder/src/drop.def'));
  cpSync(join(tools, '../test'), join(root, 'forwarder/test'), { recursive: true });
  execFileSync(process.execPath, [join(root, 'forwarder/tools/gen.ts')]);
  const stale = join(root, 'forwarder/include/forwarder.h');
  writeFileSync(stale, readFileSync(stale, 'utf8').replace('fwd_stop', 'fwd_halt'));
  const run = spawnSync(process.execPath, [join(root, 'forwarder/tools/gen.ts'), '--check'], { encoding: 'utf8', cwd: root });
  t.is(run.status, 1);
  t.regex(run.stderr, /forwarder\/include\/forwarder\.h is stale/);
  t.notRegex(run.stderr, /rows\.gen\.ts/);
});

test('every record is a multiple of 8 bytes and no field straddles its alignment', (t) => {
  for (const layout of allLayouts) {
    t.is(layout.size % 8, 0, layout.struct);
    const covered = [...layout.fields, ...layout.pads].reduce((sum, part) => sum + part.bytes, 0);
    t.is(covered, layout.size, layout.struct);
  }
});

test('a key is the beginning of its row', (t) => {
  for (const row of rowLayouts) {
    const beyond = row.fields.slice(row.spec.key).map((field) => field.offset);
    t.true(
      beyond.every((offset) => offset >= row.keyBytes),
      row.struct,
    );
    t.true(row.hashBytes <= row.keyBytes);
  }
});
