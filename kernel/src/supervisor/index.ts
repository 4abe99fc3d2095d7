export { type Clock, systemClock } from './clock.ts';
export { connectLauncher, type LauncherLink } from './launcher-link.ts';
export type { PluginPhase, PluginState, PluginToRun } from './plugin-state.ts';
export { Supervisor } from './supervisor.ts';
