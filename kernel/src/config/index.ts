export type { HostSettings } from './schema.ts';
export { documentSettings, loadSettings, readSettings, settingsSchema } from './settings.ts';
