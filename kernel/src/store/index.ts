export { dataFile, type Environment, formatOf, formatVersion, openEnvironment, pagesOf, storeExists } from './environment.ts';
export type { LogEntry } from './log-entry.ts';
export * from './object-store.ts';
export { type Restored, restoreCopy, restoreLines } from './restore.ts';
export { isSealed, Sealer } from './sealer.ts';
export { sync } from './sync.ts';
export type { KindSchema, Rewrite } from './upkeep.ts';
