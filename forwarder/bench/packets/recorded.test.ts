import test from 'ava';
import { cases } from './cases.ts';
import { recorded } from './recorded.ts';

/** Cases that later features bring. */
const later = ['port-to-port', 'mpls-udp'];

test('every recorded figure belongs to a variant that is measured, or will be', (t) => {
  for (const { case: id, variant, title, size } of recorded.filter((figure) => !later.includes(figure.case))) {
    const benchCase = cases.find((one) => one.id === id);
    t.is(benchCase?.title, title, id);
    const measured = benchCase?.variants.find(({ name }) => name === variant);
    t.truthy(measured, `${id}, ${variant}`);
    t.is(measured?.size, size, `${id}, ${variant}`);
  }
});

test('targets are the same as those of the cases', (t) => {
  for (const { case: id, variant, target, unit } of recorded) {
    if (target === undefined || later.includes(id)) continue;
    t.is(unit, 'net cycles');
    t.is(cases.find((one) => one.id === id)?.variants.find(({ name }) => name === variant)?.target, target, `${id}, ${variant}`);
  }
});

test('each says where it comes from', (t) => {
  t.true(recorded.length > 60);
  for (const { recorded: where, values } of recorded) {
    t.regex(where ?? '', /2 vCPU AMD EPYC, DPDK 22\.11\.11/);
    t.is(values.length, 1);
  }
});
