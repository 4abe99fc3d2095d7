/** Tables of applies that must be refused. */
import type { FieldError } from '@weft/kernel/contract/system';
import test from 'ava';
import { network, port, Store, trunk, type Wanted } from './store.ts';

/** A store with red (10.1.0.0/24), blue (10.2.0.0/24), a trunk and one port of red at 10.1.0.11. */
export function site(): Store {
  const store = new Store();
  const refusals = store.apply([
    network('red', '10.1.0.0/24'),
    network('blue', '10.2.0.0/24'),
    trunk('trunk0', { type: 'interface', interface: 'eth9' }),
    port('web1', {
      addresses: ['10.1.0.11'],
      mac: '02:00:00:00:00:11',
      binding: { type: 'netns', netns: 'vm1', interface: 'eth0' },
    }),
    port('web2', { binding: { type: 'vlan', parent: 'trunk0', vlan: 101 } }),
  ]);
  if (refusals.length > 0) throw new Error(JSON.stringify(refusals));
  return store;
}

export interface Refused {
  /** What is wrong: completes `refuses …`. */
  readonly why: string;
  readonly apply: readonly Wanted[];
  /** Object and pointer of the refusal. */
  readonly at: string;
  /** Message and fix. */
  readonly says: RegExp;
}

/** One test for each case: refused in exactly one place, with these words, and nothing is changed. */
export function refuses(cases: readonly Refused[]): void {
  for (const { why, apply, at, says } of cases) {
    test(`refuses ${why}`, (t) => {
      const store = site();
      const before = JSON.stringify([...store.objects]);
      const refusals = store.apply(apply).map(textOf);
      t.deepEqual([...new Set(refusals.map((refusal) => refusal.at))], [at]);
      t.regex(refusals[0]?.says ?? '', says);
      t.is(JSON.stringify([...store.objects]), before);
    });
  }
}

function textOf({ object, pointer, message, fix }: FieldError): { at: string; says: string } {
  return { at: `${object} ${pointer}`, says: `${message}: ${fix}` };
}
