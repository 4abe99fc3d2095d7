/** A client generated from the served description compiles against it, and works. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import openapiTypes, { astToString } from 'openapi-typescript';
import { pretendedApi } from '../fuzz/run.ts';

const run = promisify(execFile);
const top = join(import.meta.dirname, '../../..');
const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', '--noEmit'];
const modern = [
  '--module',
  'nodenext',
  '--target',
  'esnext',
  '--allowImportingTsExtensions',
  '--types',
  'node',
  '--lib',
  'esnext,dom,dom.iterable',
];

test('a generated client creates, reads, lists, patches, tries, asks, watches and deletes', async (t) => {
  const api = await pretendedApi(t);
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  // where packages are found
  mkdirSync(join(top, 'build'), { recursive: true });
  const folder = mkdtempSync(join(top, 'build', 'client-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const served = await (await fetch(`${url}/openapi.json`)).text();
  const types = await openapiTypes(served, { defaultNonNullable: false, alphabetize: true });
  writeFileSync(join(folder, 'api.d.ts'), astToString(types));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  const program = join(folder, 'program.ts');
  copyFileSync(new URL('program.txt', import.meta.url), program);
  const tsc = join(top, 'node_modules/typescript/bin/tsc');
  const compiled = run(process.execPath, [tsc, ...strict, ...modern, program], { cwd: folder });
  await t.notThrowsAsync(
    compiled.catch(({ stdout }: { stdout: string }) => Promise.reject(new Error(stdout))),
    'the types say what the program needs',
  );
  const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', program, url]);
  t.deepEqual(JSON.parse(stdout), { events: ['updated', 'deleted'], items: 1 });
});
