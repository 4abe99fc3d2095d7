import test from 'ava';
import { Type } from 'typebox';
import type { KindSpec, ObjectKey } from '../contract/system/index.ts';
import { definePlugin, type PluginContext } from './plugin.ts';
import { makeObject, startPlugin, type TestPlugin } from './testing/index.ts';

const closed = { additionalProperties: false } as const;
const lampKind: KindSpec = {
  kind: 'Lamp',
  plural: 'lamps',
  scope: 'project',
  summary: 'Shines.',
  schemaVersion: 1,
  spec: Type.Object({}, closed),
  status: Type.Object({ lit: Type.Optional(Type.Boolean()) }, closed),
  references: [],
  columns: [],
  finalizer: true,
};
const key: ObjectKey = { kind: 'Lamp', project: 'default', name: 'l' };

async function started(
  start: (context: PluginContext<never>) => void = () => undefined,
): Promise<{ running: TestPlugin; context: PluginContext<never> }> {
  const seen: PluginContext<never>[] = [];
  const definition = definePlugin({
    name: 'lamps',
    summary: 'Lamps',
    kinds: [lampKind],
    config: Type.Object({}, closed),
    start: (context) => {
      seen.push(context as PluginContext<never>);
      start(context as PluginContext<never>);
      return {};
    },
  });
  const running = await startPlugin(definition, { objects: [makeObject('Lamp', 'l', {}, { uid: 'first', finalizers: ['lamps'] })] });
  return { running, context: seen[0] as PluginContext<never> };
}

test('a plugin sees what is being deleted, puts away what it made, and lets go', async (t) => {
  const put: string[] = [];
  const { running } = await started((context) => {
    context.objects.onChange(async (changed) => {
      const dying = changed.filter((one) => context.objects.get(one)?.metadata.deletedAt !== undefined);
      put.push(...dying.map(({ name }) => name));
      await context.finalize(dying);
    });
  });
  await running.remove(key);
  t.deepEqual(put, ['l']);
  t.is(running.kernel.objects.size, 0);
  await running.stop();
});

test('what is said about one object never reaches the next of its name', async (t) => {
  const { running, context } = await started();
  running.kernelAway();
  const said = [context.setStatus([{ key, status: { lit: true } }]), context.finalize([key])];
  running.kernel.objects.delete('Lamp/default/l');
  running.kernel.put(makeObject('Lamp', 'l', {}, { uid: 'second', finalizers: ['lamps'] }));
  running.kernel.remove(key);
  await running.kernelBack();
  await Promise.all(said);
  t.is(running.kernel.objects.get('Lamp/default/l')?.metadata.uid, 'second');
  t.deepEqual(running.kernel.status(key), {});
  await context.setStatus([{ key, status: { lit: true } }]);
  t.deepEqual(running.kernel.status(key), { lit: true }, 'once it is seen');
  await running.stop();
});

test('work that ends late, for an object that is gone, lets go of no other one', async (t) => {
  const { running, context } = await started();
  await running.remove(key);
  await context.finalize([{ ...key, uid: 'first' }]);
  await running.put(makeObject('Lamp', 'l', {}, { uid: 'second', finalizers: ['lamps'] }));
  await running.remove(key);
  await context.finalize([{ ...key, uid: 'first' }]);
  t.is(running.kernel.objects.get('Lamp/default/l')?.metadata.uid, 'second');
  await context.finalize([{ ...key, uid: 'second' }]);
  t.is(running.kernel.objects.size, 0);
  await running.stop();
});

test('a status that does not fit is refused in tests as it is by the kernel', async (t) => {
  const { running, context } = await started();
  await t.throwsAsync(context.setStatus([{ key, status: { lit: 'very' } }]), { message: /Lamp\/default\/l \/status\/lit/ });
  await running.stop();
});
