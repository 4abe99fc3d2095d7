/** Stands for the kernel: wants one plugin, notes what it is and was told in its state folder, and obeys a file of orders there. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LauncherToKernel, limitsOf, type ProcessSpec } from '../../../contract/system/index.ts';
import { readHandoff } from '../handoff.ts';

const handoff = readHandoff();
const note = (name: string, value: unknown): void => writeFileSync(join(handoff.stateDir, name), JSON.stringify(value));
note('kernel.json', { handoff, status: readFileSync('/proc/self/status', 'utf8'), pid: process.pid });

const plugin: ProcessSpec = {
  name: 'fake',
  entry: 'kernel/src/boot/test/nothing.ts',
  grants: { rows: ['vrf'], reads: [], writes: [] },
  puntClasses: [],
  limits: limitsOf({}),
  settings: { greeting: 'hello' },
  epoch: 0,
};
let said = '';
process.on('message', (message: LauncherToKernel) => {
  if (message.type !== 'children') return;
  const { children } = message;
  note('children.json', children);
  const fake = children.find((child) => child.name === 'fake');
  if (fake?.pid) process.send?.({ type: 'plugin-ready', name: 'fake' });
});
setInterval(() => {
  const orders = join(handoff.stateDir, 'orders');
  const order = existsSync(orders) ? readFileSync(orders, 'utf8') : 'run';
  if (order === said) return;
  said = order;
  const wishes: Record<string, ProcessSpec[]> = {
    run: [plugin],
    kick: [{ ...plugin, epoch: 1 }],
    stray: [plugin, { ...plugin, name: '../../stray' }],
  };
  const processes = wishes[order] ?? [];
  process.send?.({ type: 'want', processes, failed: [], disabled: order === 'disable' ? ['fake'] : [] });
}, 20);
process.send?.({ type: 'ready' });
process.on('SIGTERM', () => process.exit(0));
