import type { FloatingIpSpec, FloatingIpStatus, SnatPoolSpec, SnatPoolStatus } from '@weft/kernel/contract/net';
import test from 'ava';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { floatingIpSpec, type floatingIpStatus, snatPoolSpec, type snatPoolStatus } from './kinds.ts';

/** Without `readonly`, which schemas do not say. */
type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
    : T;
type Flat<T> = T extends readonly (infer Item)[] ? Flat<Item>[] : T extends object ? { [Key in keyof T]: Flat<T[Key]> } : T;
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type SameShape<Schema extends TSchema, Type> = Equal<Flat<Static<Schema>>, Flat<Mutable<Type>>>;

/** Compiles only when every schema describes the type that other plugins read. */
const shapes: readonly [
  SameShape<typeof snatPoolSpec, SnatPoolSpec>,
  SameShape<typeof snatPoolStatus, SnatPoolStatus>,
  SameShape<typeof floatingIpSpec, FloatingIpSpec>,
  SameShape<typeof floatingIpStatus, FloatingIpStatus>,
] = [true, true, true, true];

test('schemas and contract describe the same shapes', (t) => {
  t.true(shapes.every(Boolean));
});

test('a pool that says nothing but its addresses behaves as RFC 4787 wishes', (t) => {
  t.deepEqual(Value.Default(snatPoolSpec, { addresses: ['198.51.100.8'] }), {
    addresses: ['198.51.100.8'],
    ports: '1024-65535',
    blockSize: 512,
    maxBlocksPerPort: 8,
    mapping: 'endpoint-independent',
    filtering: 'endpoint-independent',
    tcpPortReuse: true,
  });
});

test('a load balancer as the target is refused by its name', (t) => {
  const errors = Value.Errors(floatingIpSpec, { address: '198.51.100.8', target: { port: 'vm', loadBalancer: 'web' } });
  t.regex(JSON.stringify([...errors]), /loadBalancer/);
});
