import type { ObjectKey } from '@weft/kernel/contract/system';
import test from 'ava';
import { type GivenRule, group, key, Objects, port } from '../test/world.ts';
import { Compiler } from './compiler.ts';

const [groups, ports, rulesOfGroup] = [1_000, 10_000, 10];

/** 1 to 5 groups, nearly every set another one. */
const groupsOfPort = (index: number) =>
  Array.from({ length: 1 + (index % 5) }, (_, at) => `g${(index * 7 + at * (131 + Math.floor(index / groups))) % groups}`);

function rules(index: number): GivenRule[] {
  return Array.from({ length: rulesOfGroup }, (_, at): GivenRule => {
    const remote = at % 2 === 0 ? { cidr: `10.${at}.${index % 256}.0/24` } : { group: `g${(index + at) % groups}` };
    return { direction: at % 3 === 0 ? 'egress' : 'ingress', protocol: 'tcp', ports: 1000 + at, remote };
  });
}

test('with 10,000 rules in 1,000 groups of 10,000 ports, a change costs what it changes', (t) => {
  const objects = new Objects();
  const keys = [
    ...Array.from({ length: groups }, (_, index) => objects.put(group(`g${index}`, index + 1, rules(index)))),
    ...Array.from({ length: ports }, (_, index) => objects.put(port(`p${index}`, index + 1, groupsOfPort(index)))),
  ].flat();
  const compiler = new Compiler(objects);
  const timed = <T>(what: string, work: () => T): T => {
    const begun = performance.now();
    const result = work();
    t.log(`${what}: ${(performance.now() - begun).toFixed(1)} ms`);
    return result;
  };
  const rows = timed('all of it', () => compiler.begin(keys));
  t.like(compiler.counts, { groups, ports, rules: groups * rulesOfGroup * 1.5 });
  t.true(compiler.counts.identities > 5_000);
  t.is(rows.length, compiler.counts.rules + compiler.counts.members + compiler.counts.ports);

  const cost = (what: string, changed: readonly ObjectKey[]) => {
    const { upserts, deletes } = timed(what, () => compiler.update(changed));
    return [upserts.length, deletes.length];
  };
  t.deepEqual(cost('a port with a set of groups that others have', objects.put(port('new', 20_001, groupsOfPort(7)))), [1, 0]);
  t.deepEqual(cost('a port with a set of its own', objects.put(port('newer', 20_002, ['g1', 'g2', 'g3']))), [1 + 3, 0]);
  t.deepEqual(cost('a port that goes', objects.remove(key('Port', 'newer'))), [0, 1 + 3]);
  t.deepEqual(cost('a phase of each port', keys.slice(groups)), [0, 0]);
  const other = rules(5);
  other[0] = { direction: 'ingress', protocol: 'tcp', ports: 1, remote: { cidr: '10.0.0.0/8' } };
  t.deepEqual(cost('a rule', objects.put(group('g5', 6, other))), [1, 1]);
});
