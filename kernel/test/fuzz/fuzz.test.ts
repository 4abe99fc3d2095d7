import test from 'ava';
import { exampleOf } from './examples.ts';
import { fuzzApi } from './run.ts';

test('2,000 mutated requests: every answer is as described, none an internal error, and the state can be read', async (t) => {
  const report = await fuzzApi(t, { seed: 20_261_121, requests: 1_960, raw: 40 });
  t.deepEqual(report.findings, []);
  for (const status of [200, 201, 400, 403, 404, 409, 412, 422]) t.true((report.statuses[status] ?? 0) > 0, `${status} never happened`);
});

test('an example fits its schema, with what is required or with everything', (t) => {
  const schema = {
    type: 'object',
    properties: {
      id: { type: 'integer', minimum: 3 },
      mode: { enum: ['a', 'b'] },
      list: { type: 'array', items: { type: 'string' }, minItems: 2 },
      more: { anyOf: [{ const: 7 }, { type: 'null' }] },
    },
    required: ['id', 'list'],
  };
  t.deepEqual(exampleOf(schema), { id: 3, list: ['x1', 'x1'] });
  t.deepEqual(exampleOf(schema, true), { id: 3, mode: 'a', list: ['x1', 'x1'], more: 7 });
});
