import test from 'ava';
import { makeWorld } from '../apply/test/world.ts';
import { Tokens } from './tokens.ts';

const key = { kind: 'Token', name: 'ci' };
const document = { kind: 'Token', metadata: { name: 'ci' } };

test('the hash of a token goes in the transaction that deletes its object', async (t) => {
  const world = await makeWorld();
  t.teardown(world.close);
  const tokens = new Tokens(world.store, world.pipeline);
  await world.apply([document]);
  const issued = await tokens.issue('ci');
  t.is(tokens.verify(issued), 'ci');
  await world.apply([{ ...document, spec: { description: 'changed' } }]);
  t.is(world.store.settings('token/').size, 1, 'a change keeps it');
  await world.apply([], { remove: [{ key }], dryRun: true });
  t.is(world.store.settings('token/').size, 1, 'a dry run, too');
  await world.apply([], { remove: [{ key }] });
  t.is(world.store.settings('token/').size, 0);
  await world.apply([document]);
  t.throws(() => tokens.verify(issued), { message: /not valid/ });
});
