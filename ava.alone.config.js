import units from './ava.config.js';

/** What measures loss, waits or idle cost, or fills the machine: one file at a time. */
export const alone = [
  'changes',
  'contain',
  'demo',
  'disk-full',
  'hostile',
  'isolation',
  'operating',
  'plugins',
  'scale',
  'without-plugins',
].map((name) => `appliance/test/${name}.test.ts`);

export default { ...units, files: alone, concurrency: 1, serial: true, timeout: '5m' };
