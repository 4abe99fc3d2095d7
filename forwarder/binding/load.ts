/**
 * Loads libforwarder: the one place that knows koffi. Only scalars, strings and packed buffers cross the border, and each is checked first: koffi
 * truncates integers, takes null for a pointer and knows no lengths.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import koffi, { type LibraryHandle } from 'koffi';
import { abi, calls, layout } from './pack.gen.ts';

/** Where `make -C forwarder` puts it. */
export const libraryPath = fileURLToPath(new URL('../build/libforwarder.so', import.meta.url));

type Signatures = typeof calls;
type Value<T> = T extends 'uint32_t' ? number : T extends 'const char *' ? string : Uint8Array;
type Values<P extends readonly (readonly [string, string])[]> = { -readonly [I in keyof P]: Value<P[I][1]> };

/** Calls that may wait for others: they run on a thread of libuv's pool, where the sentence of a refusal stays. */
const waiting = ['fwd_filter_compile'] as const;

type Result<K extends keyof Signatures> = K extends (typeof waiting)[number]
  ? Promise<number>
  : Signatures[K]['returns'] extends 'uint64_t'
    ? bigint
    : number;

/** Every call of forwarder.h. A u64 comes back as bigint. A wrong argument throws before C sees it. */
export type Library = {
  readonly [K in keyof Signatures]: (...values: Values<Signatures[K]['parameters']>) => Result<K>;
};

interface Signature {
  readonly returns: string;
  readonly parameters: readonly (readonly [name: string, type: string])[];
}

/** Throws an Error with one sentence when the library is missing or was built from another interface. */
export function loadLibrary(path = libraryPath): Library {
  if (!existsSync(path)) throw new Error(`libforwarder is missing (${path}): build it with: make -C forwarder`);
  let library: LibraryHandle;
  try {
    library = koffi.load(path, { global: true });
  } catch (cause) {
    throw new Error(`libforwarder cannot be loaded (${path}): ${(cause as Error).message}`, { cause });
  }
  // The hash first: a library of another interface may lack or have other calls.
  checkAbi(library, path);
  const bound = Object.entries(calls).map(([name, signature]) => [name, bind(library, name, signature)]);
  const typed = Object.fromEntries(bound) as Library;
  checkLayout(typed, path);
  return typed;
}

function checkAbi(library: LibraryHandle, path: string): void {
  let found: bigint | undefined;
  try {
    found = BigInt(library.func('uint64_t fwd_abi()')());
  } catch {
    throw foreign(path, 'has no fwd_abi');
  }
  if (found !== abi) throw foreign(path, `has interface ${found.toString(16)}, this program needs ${abi.toString(16)}`);
}

function checkLayout(library: Library, path: string): void {
  const out = Buffer.alloc(layout.length * 4);
  const words = library.fwd_layout(out, out.length);
  if (words !== layout.length) throw foreign(path, `lays out ${words} numbers, this program expects ${layout.length}`);
  const wrong = layout.findIndex((expected, index) => out.readUInt32LE(index * 4) !== expected);
  if (wrong >= 0) throw foreign(path, `lays out number ${wrong} as ${out.readUInt32LE(wrong * 4)}, this program expects ${layout[wrong]}`);
}

function foreign(path: string, what: string): Error {
  return new Error(`libforwarder ${what} (${path}): build both from one source with: make -C forwarder`);
}

function bind(library: LibraryHandle, name: string, { returns, parameters }: Signature): (...values: unknown[]) => unknown {
  const call = library.func(`${returns} ${name}(${parameters.map(([parameter, type]) => `${type} ${parameter}`).join(', ')})`);
  return (...values) => {
    checkArguments(name, parameters, values);
    if (waiting.some((slow) => slow === name)) return promisify(call.async)(...values);
    const result: unknown = call(...values);
    return returns === 'uint64_t' ? BigInt(result as number | bigint) : result;
  };
}

/** A pointer is followed by its `length`, except `cursor`, which is one u32. */
function checkArguments(name: string, parameters: Signature['parameters'], values: readonly unknown[]): void {
  if (values.length !== parameters.length) throw new TypeError(`${name} takes ${parameters.length} arguments, got ${values.length}`);
  for (const [index, [parameter, type]] of parameters.entries()) {
    const value = values[index];
    if (type === 'uint32_t') {
      if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 0xffff_ffff)
        throw new RangeError(`${name}: ${parameter} is ${String(value)}: give a whole number below 2^32`);
    } else if (type === 'const char *') {
      if (typeof value !== 'string' || value.includes('\0')) throw new TypeError(`${name}: ${parameter} must be text without NUL`);
    } else {
      if (!(value instanceof Uint8Array)) throw new TypeError(`${name}: ${parameter} must be a Buffer`);
      const needed = parameters[index + 1]?.[0] === 'length' ? Number(values[index + 1]) : 4;
      if (value.length < needed) throw new RangeError(`${name}: ${parameter} has ${value.length} bytes, ${needed} are needed`);
    }
  }
}
