export { type SnapshotFacts, sha256Of, snapshotFacts } from './snapshots.ts';
export { openUpgraded } from './upgrade.ts';
