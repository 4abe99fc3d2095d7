/**
 * Writes the files that are generated from the interface's table, the list of drop reasons and that of what RFCs demand of address translation. `--check` writes nothing and exits 1 naming each stale file.
 * Usage: node forwarder/tools/gen.ts [--check]
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { dropReasonsFile, dropReasonsPage } from './drop-reasons.ts';
import { header, layoutFile } from './emit-c.ts';
import { packFile, rowsFile } from './emit-ts.ts';
import { requirementsPage } from './nat-requirements.ts';

const root = join(import.meta.dirname, '../..');
const drops = readFileSync(join(root, 'forwarder/src/drop.def'), 'utf8');
const tests = join(root, 'forwarder/test');
const natTests = readdirSync(tests).filter((name) => /^nat_rfc_\w+_test\.c$/.test(name));
const files = {
  'forwarder/include/forwarder.h': header(),
  'forwarder/src/layout.gen.c': layoutFile(),
  'forwarder/binding/pack.gen.ts': packFile(),
  'kernel/contract/net/rows.gen.ts': rowsFile(),
  'docs/reference/drop-reasons.md': dropReasonsPage(drops),
  'docs/reference/nat-requirements.md': requirementsPage(natTests.map((name) => readFileSync(join(tests, name), 'utf8'))),
  'kernel/contract/net/drop-reasons.gen.ts': dropReasonsFile(drops),
};

const check = process.argv.includes('--check');
for (const [name, text] of Object.entries(files)) {
  const path = join(root, name);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  if (check) {
    console.error(`${relative(process.cwd(), path)} is stale: run npm run gen`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
  }
}
