import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadLibrary } from './load.ts';
import { abi, calls, layout } from './pack.gen.ts';

/** Builds a stand-in library from C source; gone after the test. */
function build(t: ExecutionContext, source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-load-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'stand-in.so');
  writeFileSync(join(folder, 'stand-in.c'), `#include <stdint.h>\n${source}`);
  execFileSync('cc', ['-shared', '-fPIC', '-o', path, join(folder, 'stand-in.c')]);
  return path;
}

test('refuses a missing library and says how to build it', (t) => {
  const error = t.throws(() => loadLibrary('/nowhere/libforwarder.so'));
  t.regex(error.message, /missing \(\/nowhere\/libforwarder\.so\): build it with: make -C forwarder/);
});

test('refuses a library of another interface before it looks for any other call', (t) => {
  const error = t.throws(() => loadLibrary(build(t, 'uint64_t fwd_abi(void) { return 0x1234; }')));
  t.regex(error.message, new RegExp(`has interface 1234, this program needs ${abi.toString(16)} .*build both from one source`));
});

test('refuses a library that is none of ours', (t) => {
  const error = t.throws(() => loadLibrary(build(t, 'int other(void) { return 0; }')));
  t.regex(error.message, /has no fwd_abi/);
});

test('refuses a file that is no library', (t) => {
  const error = t.throws(() => loadLibrary(new URL(import.meta.url).pathname));
  t.regex(error.message, /cannot be loaded/);
});

/** Calls that the stand-in answers in a way of its own. */
const standIns = ['fwd_abi', 'fwd_layout', 'fwd_ports_changes', 'fwd_owner_open', 'fwd_rows_read', 'fwd_inject'];

const standIn = (lastWord: number): string => `
  uint64_t fwd_abi(void) { return ${abi}ULL; }
  int32_t fwd_layout(void *out, uint32_t length) {
    static const uint32_t words[] = { ${layout.slice(0, -1).join(', ')}, ${lastWord} };
    if (length < sizeof words) return -1;
    for (uint32_t i = 0; i < sizeof words / 4; i++) ((uint32_t *)out)[i] = words[i];
    return sizeof words / 4;
  }
  uint64_t fwd_ports_changes(void) { return UINT64_MAX; }
  int32_t fwd_owner_open(const char *name) { return name[0]; }
  int32_t fwd_rows_read(uint32_t owner, uint32_t table, void *cursor, void *out, uint32_t length) { return length; }
  int32_t fwd_inject(uint32_t owner, const void *records, uint32_t length) { return ((const uint8_t *)records)[length - 1]; }
  ${Object.keys(calls)
    .filter((name) => !standIns.includes(name))
    .map((name) => `int32_t ${name}(void) { return 0; }`)
    .join('\n')}`;

test('refuses a library whose compiler laid a record out differently', (t) => {
  const error = t.throws(() => loadLibrary(build(t, standIn(4711))));
  t.regex(error.message, new RegExp(`lays out number ${layout.length - 1} as 4711`));
});

test('checks every argument before C sees it', (t) => {
  const library = loadLibrary(build(t, standIn(layout.at(-1) ?? 0)));
  const wrong = (call: (...values: never[]) => unknown, ...values: unknown[]) => t.throws(() => call(...(values as never[]))).message;
  t.regex(wrong(library.fwd_rows_begin, -1), /owner is -1/);
  t.regex(wrong(library.fwd_rows_begin, 2 ** 32), /owner is 4294967296/);
  t.regex(wrong(library.fwd_rows_begin, 1.5), /owner is 1.5/);
  t.regex(wrong(library.fwd_rows_begin, undefined), /owner is undefined/);
  t.regex(wrong(library.fwd_owner_open, 'a\0b'), /name must be text without NUL/);
  t.regex(wrong(library.fwd_owner_open, null), /name must be text/);
  t.regex(wrong(library.fwd_inject, 1, null, 0), /records must be a Buffer/);
  t.regex(wrong(library.fwd_inject, 1, 'text', 4), /records must be a Buffer/);
  t.regex(wrong(library.fwd_inject, 1, Buffer.alloc(7), 8), /records has 7 bytes, 8 are needed/);
  t.regex(wrong(library.fwd_rows_read, 1, 1, Buffer.alloc(3), Buffer.alloc(8), 8), /cursor has 3 bytes, 4 are needed/);
  t.regex(wrong(library.fwd_stop, 1), /takes 0 arguments, got 1/);
});

test('passes buffers, text and 64-bit numbers unharmed', (t) => {
  const library = loadLibrary(build(t, standIn(layout.at(-1) ?? 0)));
  t.is(library.fwd_inject(1, Buffer.from([1, 2, 250]), 3), 250);
  t.is(library.fwd_owner_open('dhcp'), 'd'.charCodeAt(0));
  t.is(library.fwd_ports_changes(), 2n ** 64n - 1n);
});

test('a call that may wait runs elsewhere and answers later', async (t) => {
  const library = loadLibrary(build(t, standIn(layout.at(-1) ?? 0)));
  t.is(await library.fwd_filter_compile('icmp', Buffer.alloc(8), 8), 0);
});
