/** Many rows as operations, made fast enough for a million: one packed row per set, in which a few bytes are overwritten. */
import { packDelete, packUpsert, type Row } from '@weft/kernel/contract/net';

/** Next hops that the routes of a set share: ids 1 to this. */
export const sharedNexthops = 64;
/** VRFs that the routes of `vrf-routes` lie in, from VRF 1. */
export const manyVrfs = 1_000;
const headBytes = 8;
/** Odd: multiplied, numbers below 2^k stay distinct modulo 2^k and lie far apart. */
const scatter = 2_654_435_761;

export interface RowSet {
  readonly name: 'routes' | 'routes-spread' | 'vrf-routes' | 'macs' | 'neighbors' | 'nexthops' | 'ports';
  /** Row 0; the others differ from it in the bytes that `write` overwrites. */
  readonly first: Row;
  /** Overwrites row 0, which begins at `at`, so that it is row n (n < 2^20). */
  readonly write: (out: Buffer, at: number, n: number) => void;
}

const mac = '02:00:00:00:00:00';

function route(vrf: number): Row {
  return { table: 'route', vrf, prefixLength: 24, address: '0.0.0.0', source: 10, nexthop: 1 };
}

/** Offsets are those of struct fwd_…_row; rates-ops.test.ts holds them against the packer. */
const sets: readonly RowSet[] = [
  {
    // 32.0.0.0/24 and those that follow: as a provider numbers its customers.
    name: 'routes',
    first: route(1),
    write: (out, at, n) => {
      out.writeUInt32BE(0x2000_0000 + n * 256, at + 8);
      out.writeUInt32LE(1 + (n % sharedNexthops), at + 28);
    },
  },
  {
    name: 'routes-spread',
    first: route(1),
    write: (out, at, n) => {
      out.writeUInt32BE((Math.imul(n, scatter) & 0xff_ffff) * 256, at + 8);
      out.writeUInt32LE(1 + (n % sharedNexthops), at + 28);
    },
  },
  {
    name: 'vrf-routes',
    first: route(1),
    write: (out, at, n) => {
      out.writeUInt32LE(1 + Math.floor(n / 1_000), at);
      out.writeUInt32BE((Math.imul(n, scatter) & 0xff_ffff) * 256, at + 8);
      out.writeUInt32LE(1 + (n % sharedNexthops), at + 28);
    },
  },
  {
    name: 'macs',
    first: { table: 'mac', bridge: 1, mac, port: 2 },
    write: (out, at, n) => out.writeUInt32BE(0x0100_0000 + n, at + 6),
  },
  {
    name: 'neighbors',
    first: { table: 'neighbor', bridge: 1, address: '0.0.0.0', mac, flags: 0 },
    write: (out, at, n) => {
      out.writeUInt32BE(0x2000_0000 + n, at + 8);
      out.writeUInt32BE(n, at + 26);
    },
  },
  {
    name: 'nexthops',
    first: { table: 'nexthop', id: 0, port: 2, bridge: 1, mac, type: 1, flags: 0, size: 0, target: 0, puntClass: 0 },
    write: (out, at, n) => {
      out.writeUInt32LE(1_000 + n, at);
      out.writeUInt32BE(n, at + 14);
    },
  },
  {
    name: 'ports',
    first: {
      table: 'port',
      id: 1,
      bridge: 1,
      parent: 0,
      flags: 0,
      mac,
      mtu: 1500,
      vlan: 0,
      binding: 0,
      interface: '',
      netns: '',
      socket: '',
    },
    write: (out, at, n) => {
      out.writeUInt32LE(1_000 + n, at);
      out.writeUInt32BE(1_000 + n, at + 18);
    },
  },
];

export function rowSet(name: RowSet['name']): RowSet {
  const set = sets.find((candidate) => candidate.name === name);
  if (set === undefined) throw new RangeError(`no set of rows is called '${name}'`);
  return set;
}

/** Writes operations, one batch after the other, into the same memory: JavaScript's own memory stays as it is. */
export class OpsWriter {
  readonly #set: RowSet;
  readonly #stride: number;
  readonly #out: Buffer;

  /** `op`: every row is sent by it. `most`: rows of the largest batch. */
  constructor(set: RowSet, op: 'upsert' | 'delete', most: number) {
    const packed = op === 'upsert' ? packUpsert(set.first) : packDelete(set.first);
    this.#set = set;
    this.#stride = (packed.length + 7) & ~7;
    this.#out = Buffer.alloc(this.#stride * most);
    for (let n = 0; n < most; n++) packed.copy(this.#out, n * this.#stride);
  }

  /** Rows from `from` on; a view that the next call overwrites. */
  write(from: number, count: number): Buffer {
    const { write } = this.#set;
    for (let n = 0; n < count; n++) write(this.#out, n * this.#stride + headBytes, from + n);
    return this.#out.subarray(0, count * this.#stride);
  }
}
