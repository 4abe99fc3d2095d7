/** Byte strings for fuzzers: seeds with bits flipped, bytes set, parts cut, repeated or spliced, lengths bent; now and then pure noise. */

/** A small seeded generator (mulberry32), so that a run can be repeated. Returns numbers in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

type Random = () => number;
type Mutation = (data: Buffer, seeds: readonly Buffer[], random: Random) => Buffer;

const largest = 4096;
/** Values at which parsers turn: signs, ends of ranges, compression pointers. */
const telling = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff];

const below = (limit: number, random: Random): number => Math.floor(random() * limit);
const slice = (data: Buffer, random: Random): Buffer => {
  const from = below(data.length + 1, random);
  return data.subarray(from, from + below(data.length - from + 1, random));
};

const mutations: readonly Mutation[] = [
  function flipBit(data, _seeds, random) {
    const at = below(data.length, random);
    return data.length === 0 ? data : patched(data, at, (data[at] ?? 0) ^ (1 << below(8, random)));
  },
  function setByte(data, _seeds, random) {
    return data.length === 0 ? data : patched(data, below(data.length, random), telling[below(telling.length, random)] ?? 0);
  },
  function nudgeByte(data, _seeds, random) {
    const at = below(data.length, random);
    return data.length === 0 ? data : patched(data, at, ((data[at] ?? 0) + below(9, random) - 4) & 0xff);
  },
  function setWord(data, _seeds, random) {
    if (data.length < 2) return data;
    const out = Buffer.from(data);
    out.writeUInt16BE(below(0x10000, random), below(data.length - 1, random));
    return out;
  },
  function cut(data, _seeds, random) {
    return data.subarray(0, below(data.length + 1, random));
  },
  function remove(data, _seeds, random) {
    const from = below(data.length + 1, random);
    return Buffer.concat([data.subarray(0, from), data.subarray(from + below(16, random))]);
  },
  function repeat(data, _seeds, random) {
    const part = slice(data, random);
    const at = below(data.length + 1, random);
    return Buffer.concat([data.subarray(0, at), ...Array<Buffer>(1 + below(4, random)).fill(part), data.subarray(at)]);
  },
  function splice(data, seeds, random) {
    const other = seeds[below(seeds.length, random)] ?? data;
    const at = below(data.length + 1, random);
    return Buffer.concat([data.subarray(0, at), slice(other, random), random() < 0.5 ? data.subarray(at) : Buffer.alloc(0)]);
  },
  function append(data, _seeds, random) {
    return Buffer.concat([data, noise(below(64, random), random)]);
  },
];

/** One to six mutations of a seed; one input in fifty is noise. At most 4,096 bytes. */
export function mutate(seeds: readonly Buffer[], random: Random): Buffer {
  if (random() < 0.02) return noise(below(600, random), random);
  let data = seeds[below(seeds.length, random)] ?? Buffer.alloc(0);
  for (let step = 1 + below(6, random); step > 0; step -= 1) {
    data = mutations[below(mutations.length, random)]?.(data, seeds, random) ?? data;
  }
  return Buffer.from(data.subarray(0, largest));
}

function noise(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => below(256, random)));
}

function patched(data: Buffer, at: number, value: number): Buffer {
  const out = Buffer.from(data);
  out[at] = value;
  return out;
}
