import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Manifest } from '../contract/system/index.ts';
import { serviceUnit, sliceUnit, withPlugins } from './units.ts';

const manifest: Manifest = {
  name: 'first',
  version: '1.0.0',
  summary: 'A plugin.',
  needs: [],
  kinds: [],
  operations: [],
  puntClasses: [],
  grants: { rows: [], reads: [], writes: [] },
  limits: { memoryMib: 512 },
  config: {},
};
const manifests = [manifest, { ...manifest, name: 'second', grants: { ...manifest.grants, outside: true }, limits: { tasks: 100 } }];

test('each plugin stands there with its limits', (t) => {
  const unit = serviceUnit(manifests);
  t.regex(unit, /^# {3}first: MemoryMax=512M CPUQuota=100% TasksMax=64 LimitFSIZE=256M PrivateNetwork=yes$/m);
  t.regex(unit, /^# {3}second: MemoryMax=256M CPUQuota=100% TasksMax=100 LimitFSIZE=256M PrivateNetwork=no$/m);
  t.is(withPlugins(unit, new Set(['first'])), serviceUnit(manifests.slice(0, 1)));
});

/** What systemd itself has to say about the units, with a program where they look for one. */
function verify(t: ExecutionContext, service: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'weft-units-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const program = join(dir, 'opt/weft/kernel/cli/bin');
  mkdirSync(program, { recursive: true });
  writeFileSync(join(program, 'weft'), '#!/bin/sh\n');
  chmodSync(join(program, 'weft'), 0o755);
  const units = { 'weft.service': service.replaceAll('/opt/weft', join(dir, 'opt/weft')), 'weft.slice': sliceUnit() };
  const paths = Object.entries(units).map(([name, text]) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  });
  const { stdout, stderr, error } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { encoding: 'utf8' });
  if (error) throw error;
  return `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line.includes(dir) || line.includes('weft'))
    .join('\n');
}

test('systemd knows all that stands in the units', (t) => {
  t.is(verify(t, serviceUnit(manifests)), '');
});

test('and would say what it does not know', (t) => {
  t.regex(verify(t, serviceUnit(manifests).replace('OOMPolicy=continue', 'OOMPolicy=perhaps')), /OOM policy.*perhaps/);
  t.regex(verify(t, serviceUnit(manifests).replace('LockPersonality=', 'LockPersons=')), /LockPersons/);
});
