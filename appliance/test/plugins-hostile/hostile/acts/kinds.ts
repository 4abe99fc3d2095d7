/** Objects that are not its own. */
import type { Act, World } from '../world.ts';

const port = { kind: 'Port', project: 'default', name: 'a' };
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ kind: 'Mischief', metadata: { name: `m${index}`, project: 'default' } }));
const set = (kind: string, name: string, spec: object, project?: string) => ({
  kind,
  metadata: { name, ...(project === undefined ? {} : { project }) },
  spec,
});
const apply = ({ kernel }: World, ...objects: object[]) => kernel.call('objects.apply', { apply: objects, delete: [] });
const remove = ({ kernel }: World, ...keys: object[]) => kernel.call('objects.apply', { apply: [], delete: keys });
const alarm = ({ kernel }: World, key: string, more: object = {}) =>
  kernel.call('alarm.set', { key, severity: 'warning', subject: 'x', text: 'x', ...more });

const reads: Act[] = ['Secret', 'Token', 'Role', 'VirtualNetwork'].map((kind) => ({
  name: `list-${kind.toLowerCase()}`,
  run: ({ kernel }) => kernel.call('objects.list', { kinds: [kind] }),
}));

const writes: Act[] = [
  ['write-port', set('Port', 'evil', { network: 'red' }, 'default')],
  ['write-role', set('Role', 'evil', { role: 'admin', everywhere: true, subjects: ['uid:64002'] })],
  ['write-token', set('Token', 'evil', {})],
  ['write-secret', set('Secret', 'evil', { data: {} }, 'default')],
  ['write-alarm', set('Alarm', 'dns.evil', {})],
  ['write-project', set('Project', 'evil', {})],
  ['write-unknown-kind', set('Nonsense', 'evil', {})],
].map(([name, object]) => ({ name: name as string, run: (world) => apply(world, object as object) }));

export const kindActs: readonly Act[] = [
  ...reads,
  { name: 'watch-secrets', run: ({ kernel }) => kernel.stream('objects.watch', { kinds: ['Secret'], since: 0 }).next() },
  ...writes,
  { name: 'delete-port', run: (world) => remove(world, port) },
  { name: 'delete-project', run: (world) => remove(world, { kind: 'Project', name: 'default' }) },
  { name: 'take-over-managed', run: (world) => apply(world, set('LogicalRouter', 'edge', { networks: [] }, 'default')) },
  { name: 'delete-of-user', run: (world) => remove(world, { kind: 'LogicalRouter', project: 'default', name: 'edge' }) },
  { name: 'status-port', run: ({ kernel }) => kernel.call('objects.status', { updates: [{ key: port, status: { phase: 'Evil' } }] }) },
  {
    name: 'status-alarm',
    run: ({ kernel }) => kernel.call('objects.status', { updates: [{ key: { kind: 'Alarm', name: 'x' }, status: {} }] }),
  },
  {
    name: 'status-huge',
    run: ({ kernel }) =>
      kernel.call('objects.status', { updates: [{ key: { ...port, kind: 'Mischief' }, status: { x: 'x'.repeat(2 << 20) } }] }),
  },
  {
    name: 'status-no-json',
    run: ({ kernel }) => kernel.call('objects.status', { updates: [{ key: { ...port, kind: 'Mischief' }, status: { x: 2n ** 70n } }] }),
  },
  { name: 'finalize-nonsense', run: ({ kernel }) => kernel.call('objects.finalize', { keys: 'all' }) },
  { name: 'apply-too-many', run: (world) => apply(world, ...many(6_000)) },
  { name: 'apply-nonsense', run: ({ kernel }) => kernel.call('objects.apply', { apply: null, delete: 7 }) },
  { name: 'alarm-of-another', run: ({ kernel }) => kernel.call('alarm.clear', { key: '../dns.upstream' }) },
  { name: 'alarm-too-long', run: (world) => alarm(world, 'long', { text: 'x'.repeat(10_000) }) },
  { name: 'alarm-of-no-severity', run: (world) => alarm(world, 'odd', { severity: 'apocalypse' }) },
  {
    name: 'alarms-too-many',
    run: async (world) => {
      const keys = Array.from({ length: 60 }, (_, index) => `n${index}`);
      try {
        for (const key of keys) await alarm(world, key);
      } finally {
        for (const key of keys) await world.kernel.call('alarm.clear', { key });
      }
    },
  },
  { name: 'hello-as-another', run: ({ kernel }) => kernel.call('hello', { name: 'dns', manifestHash: '', pid: 1 }) },
  { name: 'hello-with-another-manifest', run: ({ kernel }) => kernel.call('hello', { name: 'hostile', manifestHash: 'x', pid: 1 }) },
  { name: 'store-key-of-another', run: ({ kernel }) => kernel.call('store.get', { key: 'plugin/dns' }) },
  { name: 'settings-of-another', run: ({ kernel }) => kernel.call('plugins.settings', { name: 'dns', settings: {} }) },
];
