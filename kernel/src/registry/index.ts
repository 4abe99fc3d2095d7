export { alarmKind, builtinKinds, kernelOwner, projectKind, roleKind, secretKind, tokenKind } from './builtin.ts';
export type { Finding } from './findings.ts';
export { type FoundPlugin, readPluginFolders } from './manifest.ts';
export { nameProblem, nameRule, suggestion, typeName } from './names.ts';
export { type OrphanKind, orphanReason, orphansAmong } from './orphans.ts';
export { type RegisteredKind, type RegisteredOperation, type RegisteredPlugin, Registry, reservedWords } from './registry.ts';
export type { Validator } from './schema.ts';
