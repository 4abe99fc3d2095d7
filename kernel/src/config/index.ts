export type { HostSettings } from './schema.ts';
export { documentSettings, loadSettings, readSettings } from './settings.ts';
