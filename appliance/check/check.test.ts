/** Every rule of the house fails on a tree that breaks it, and says why. A rule without a fixture here fails the last test. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { rules } from './rules.ts';
import { runRule } from './run.ts';

interface Fixture {
  readonly rule: string;
  readonly breaks: string;
  /** Copied from the tree. */
  readonly copies: readonly string[];
  /** Written over it. */
  readonly files: Readonly<Record<string, string>>;
  /** The rule must say this. */
  readonly says: RegExp;
  readonly subject?: string;
}

const top = join(import.meta.dirname, '..', '..');
const typescript = ['tsconfig.json', 'package.json'];

const fixtures: readonly Fixture[] = [
  {
    rule: 'format',
    breaks: 'spacing',
    copies: ['biome.json', '.gitignore'],
    files: { 'kernel/a.ts': 'export const   a = 1;\n' },
    says: /differs from formatting output/,
  },
  {
    rule: 'format',
    breaks: 'any',
    copies: ['biome.json', '.gitignore'],
    files: { 'kernel/a.ts': 'export const a = (b: any): unknown => b;\n' },
    says: /noExplicitAny/,
  },
  {
    rule: 'format',
    breaks: 'a floating promise',
    copies: ['biome.json', '.gitignore'],
    files: { 'kernel/a.ts': 'export async function a(): Promise<void> {\n  await null;\n}\n\nexport function b(): void {\n  a();\n}\n' },
    says: /noFloatingPromises/,
  },
  { rule: 'types', breaks: 'a type', copies: typescript, files: { 'kernel/a.ts': "export const a: number = 'text';\n" }, says: /TS2322/ },
  {
    rule: 'types',
    breaks: 'an enum (not erasable)',
    copies: typescript,
    files: { 'kernel/a.ts': 'export enum A { B }\n' },
    says: /TS1294/,
  },
  imports('a plugin imports another', 'plugins/a/index.ts', '../b/index.ts', /not-in-allowed: plugins\/a\/index.ts → plugins\/b\/index.ts/),
  imports('a plugin imports the kernel', 'plugins/a/index.ts', '../../kernel/src/store/index.ts', /not-in-allowed: plugins\/a/),
  imports(
    'the kernel imports the forwarder',
    'kernel/src/api/a.ts',
    '../../../forwarder/binding/index.ts',
    /not-in-allowed: kernel\/src\/api/,
  ),
  imports("the kernel reads the plugins' words", 'kernel/src/api/a.ts', '../../contract/net/index.ts', /not-in-allowed: kernel\/src\/api/),
  imports("a sibling's inside", 'kernel/src/api/a.ts', '../store/inside.ts', /not-in-allowed: kernel\/src\/api/),
  imports('lmdb outside the store', 'kernel/src/api/a.ts', 'lmdb', /lmdb-only-in-store/),
  imports('zeromq outside the bus', 'plugins/a/index.ts', 'zeromq', /zeromq-only-in-bus/),
  imports('koffi outside the loaders', 'forwarder/host/a.ts', 'koffi', /koffi-only-in-loaders/),
  imports('a file that no room covers', 'forwarder/stray/a.ts', '../binding/index.ts', /not-in-allowed: forwarder\/stray/),
  {
    rule: 'imports',
    breaks: 'a circle',
    copies: [...typescript, '.dependency-cruiser.cjs'],
    files: {
      'kernel/bus/a.ts': "import { b } from './b.ts';\nexport const a = (): number => b();\n",
      'kernel/bus/b.ts': "import { a } from './a.ts';\nexport const b = (): number => a();\n",
      'plugins/a/index.ts': '',
      'forwarder/binding/index.ts': '',
      'appliance/a.ts': '',
    },
    says: /no-circular/,
  },
  {
    rule: 'dead-code',
    breaks: 'a file that nothing uses',
    copies: [...typescript, 'knip.json', 'package-lock.json', 'kernel/package.json'],
    files: { 'kernel/src/store/orphan.ts': 'export const orphan = 1;\n' },
    says: /orphan/,
  },
  {
    rule: 'c-format',
    breaks: 'indentation',
    copies: ['.clang-format', 'appliance/check/c-format.sh'],
    files: { 'forwarder/src/a.c': 'int a(void) { return 1; }\n' },
    says: /clang-format-violations/,
  },
  {
    rule: 'c-includes',
    breaks: 'a layer that reaches up',
    copies: ['forwarder/tools', 'forwarder/src', 'forwarder/include'],
    files: { 'forwarder/src/parse.c': '#include "worker.h"\n' },
    says: /parse\.c/,
  },
  {
    rule: 'forwarder-table',
    breaks: 'a header edited by hand',
    copies: ['forwarder/tools', 'forwarder/src', 'forwarder/include', 'forwarder/test', 'forwarder/binding', 'kernel/contract'],
    files: { 'forwarder/include/forwarder.h': '/* by hand */\n' },
    says: /forwarder\.h/,
  },
  {
    rule: 'manifests',
    breaks: 'a stale manifest',
    copies: ['kernel', 'plugins'],
    files: { 'plugins/dns/manifest.json': '{}\n' },
    says: /dns/,
  },
  {
    rule: 'units',
    breaks: 'a stale unit',
    copies: ['kernel', 'plugins', 'appliance/systemd'],
    files: { 'appliance/systemd/weft.service': 'old\n' },
    says: /weft\.service/,
  },
  {
    rule: 'reference',
    breaks: 'a stale page',
    copies: ['kernel', 'plugins', 'docs', 'forwarder/host', 'forwarder/binding'],
    files: { 'docs/reference/kinds.md': 'old\n' },
    says: /kinds\.md/,
  },
  { rule: 'names', breaks: 'a drawer', copies: ['appliance/check/names.ts'], files: { 'kernel/src/api/utils.ts': '' }, says: /utils/ },
  {
    rule: 'names',
    breaks: 'a networking word in the kernel',
    copies: ['appliance/check/names.ts'],
    files: { 'kernel/src/api/a.ts': 'export const vlan = 1;\n' },
    says: /networking word/,
  },
  {
    rule: 'names',
    breaks: 'a path of the machine it was written on',
    copies: ['appliance/check/names.ts'],
    files: { 'docs/a.md': 'see HERE/x\n' },
    says: /outside the product/,
  },
  {
    rule: 'commits',
    breaks: 'a subject without a room',
    copies: ['appliance/check/commits.ts'],
    files: {},
    says: /wanted/,
    subject: 'Fixed stuff.',
  },
];

function imports(breaks: string, from: string, to: string, says: RegExp): Fixture {
  const rooms = {
    'kernel/src/store/index.ts': '',
    'kernel/src/store/inside.ts': '',
    'kernel/contract/net/index.ts': '',
    'forwarder/binding/index.ts': '',
    'plugins/b/index.ts': '',
    'appliance/a.ts': '',
  };
  return {
    rule: 'imports',
    breaks,
    copies: [...typescript, '.dependency-cruiser.cjs'],
    files: { ...rooms, [from]: `import '${to}';\n` },
    says,
  };
}

function plant(fixture: Fixture, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(top, 'node_modules'), join(folder, 'node_modules'));
  for (const path of fixture.copies)
    cpSync(join(top, path), join(folder, path), {
      recursive: true,
      filter: (source) => !/node_modules|\/build(\/|$)/.test(source.slice(top.length)),
    });
  for (const [path, text] of Object.entries(fixture.files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text.replace('HERE', folder));
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@a', ...args], { cwd: folder, stdio: 'ignore' });
  git('init', '--quiet');
  writeFileSync(join(folder, '.git', 'info', 'exclude'), 'node_modules\n');
  git('add', '.');
  git('commit', '--quiet', '--allow-empty', '-m', fixture.subject ?? 'house: plant a fixture');
}

for (const [index, fixture] of fixtures.entries()) {
  test(`${fixture.rule} refuses ${fixture.breaks}`, async (t) => {
    const rule = rules.find(({ name }) => name === fixture.rule);
    if (rule === undefined) return t.fail(`no rule named ${fixture.rule}`);
    const folder = join(top, 'build', 'check', String(index));
    plant(fixture, folder);
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const outcome = await runRule(rule, folder);
    t.false(outcome.ok, 'the rule passed a tree that breaks it');
    t.regex(outcome.output, fixture.says);
  });
}

test('every rule has a fixture that breaks it', (t) => {
  const covered = new Set(fixtures.map(({ rule }) => rule));
  t.deepEqual(
    rules.map(({ name }) => name).filter((name) => !covered.has(name)),
    [],
  );
});
