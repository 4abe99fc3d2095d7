import test from 'ava';
import { joinFamilies, parseExposition } from './exposition.ts';

const one = `# HELP weft_a_total All a
# TYPE weft_a_total counter
weft_a_total 3
weft_a_total{kind="x\\"}y"} 4.5e3
# HELP weft_b_seconds Time of b
# TYPE weft_b_seconds histogram
weft_b_seconds_bucket{le="+Inf"} 1
weft_b_seconds_sum 0.5
weft_b_seconds_count 1
`;

test('samples of several processes get the label process, families their head once', (t) => {
  const processes = ['dns', 'dhcp'].map((process) => ({ process, families: parseExposition(one, process) }));
  const { text, refused } = joinFamilies(processes);
  t.is(
    text,
    `# HELP weft_a_total All a
# TYPE weft_a_total counter
weft_a_total{process="dns"} 3
weft_a_total{process="dns",kind="x\\"}y"} 4.5e3
weft_a_total{process="dhcp"} 3
weft_a_total{process="dhcp",kind="x\\"}y"} 4.5e3
# HELP weft_b_seconds Time of b
# TYPE weft_b_seconds histogram
weft_b_seconds_bucket{process="dns",le="+Inf"} 1
weft_b_seconds_sum{process="dns"} 0.5
weft_b_seconds_count{process="dns"} 1
weft_b_seconds_bucket{process="dhcp",le="+Inf"} 1
weft_b_seconds_sum{process="dhcp"} 0.5
weft_b_seconds_count{process="dhcp"} 1
`,
  );
  t.deepEqual(refused, []);
});

test('a family of another type than before is left out', (t) => {
  const gauge = '# HELP weft_a_total x\n# TYPE weft_a_total gauge\nweft_a_total 1\n';
  const { text, refused } = joinFamilies([
    { process: 'kernel', families: parseExposition(one, 'kernel') },
    { process: 'bad', families: parseExposition(gauge, 'bad') },
  ]);
  t.deepEqual(refused, [{ process: 'bad', family: 'weft_a_total' }]);
  t.false(text.includes('process="bad"'));
});

test('nobody takes a family from the process whose name it bears', (t) => {
  const families = (process: string, type: string) => ({
    process,
    families: parseExposition(`# TYPE weft_dns_zones ${type}\nweft_dns_zones 1\n`, process),
  });
  const { text, refused } = joinFamilies([{ process: 'kernel', families: [] }, families('bad', 'counter'), families('dns', 'gauge')]);
  t.deepEqual(refused, [{ process: 'bad', family: 'weft_dns_zones' }]);
  t.true(text.includes('weft_dns_zones{process="dns"} 1\n'));
});

test('a number that is none is passed on as readers know it', (t) => {
  const [family] = parseExposition('# TYPE weft_a gauge\nweft_a{x="1"} Nan\nweft_a{x="2"} -Inf\n', 'p');
  t.deepEqual(family?.samples, ['weft_a{process="p",x="1"} NaN', 'weft_a{process="p",x="2"} -Inf']);
});

const refused: [text: string, why: RegExp][] = [
  ['weft_a 1', /line 1: no TYPE before it/],
  ['# TYPE weft_a gauge\nweft_a{process="kernel"} 1', /line 2: the label process is given by the kernel/],
  ['# TYPE weft_a gauge\nweft_a one', /no sample/],
  ['# TYPE weft_a gauge\nweft_a{x="1} 1', /no sample/],
  ['# TYPE weft_a gauge\nweft_a{x="1"process="kernel"} 1', /no sample/],
  ['# TYPE weft_a gauge\nweft_a{x="1",x="2"} 1', /line 2: a label twice/],
  ['# TYPE weft_a gauge\nweft_a{__name__="up"} 1', /labels that begin with __/],
  ['# TYPE weft_a gauge\nweft_a{x="1",y="2"} 1\nweft_a{y="2",x="1"} 2', /line 3: said before/],
  ['# TYPE weft_a_seconds histogram\nweft_a_seconds_bucket{le="x"} 1', /no le/],
  ['# TYPE weft_a summary\nweft_a 1', /no quantile/],
  ['# TYPE weft_a gauge\nweft_a 1e400', /no sample/],
  ['# TYPE weft_a gauge\nweft_a{x="\0"} 1', /control characters/],
  ['# TYPE up gauge\nup 1', /weft_ and snake case/],
  ['# TYPE weft_a thing', /a type is one of/],
  ['# EOF', /neither HELP nor TYPE/],
  [`# HELP weft_a ${'x'.repeat(2 << 20)}`, /characters of metrics/],
];
for (const [text, why] of refused)
  test(`${JSON.stringify(text.slice(0, 60))} is refused`, (t) => {
    t.throws(() => parseExposition(text, 'p'), { message: why });
  });
