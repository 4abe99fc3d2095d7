/**
 * The house rules as commands. Each one is run by `npm run check` on the whole tree, and by check.test.ts on a fixture that breaks it:
 * a rule that cannot fail is no rule.
 */

export interface Rule {
  readonly name: string;
  /** What it guards, in a sentence. */
  readonly about: string;
  /** Program and arguments, run at the top of the tree; `node` is the pinned one. */
  readonly command: readonly string[];
}

export const rules: readonly Rule[] = [
  { name: 'format', about: 'one format, no lint finding (TypeScript, JSON)', command: ['biome', 'ci', '--colors=off', '.'] },
  { name: 'types', about: 'the compiler agrees', command: ['tsc', '-p', '.'] },
  {
    name: 'imports',
    about: 'who may import whom',
    command: ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'kernel', 'plugins', 'forwarder', 'appliance'],
  },
  { name: 'dead-code', about: 'no file, export or dependency that nothing uses', command: ['knip', '--no-progress'] },
  { name: 'c-format', about: 'one format (C)', command: ['sh', 'appliance/check/c-format.sh'] },
  { name: 'c-includes', about: 'the layers of the forwarder', command: ['node', 'forwarder/tools/check-includes.ts'] },
  {
    name: 'forwarder-table',
    about: 'header, packers and row types are what gen.ts writes',
    command: ['node', 'forwarder/tools/gen.ts', '--check'],
  },
  {
    name: 'manifests',
    about: "manifests are what the plugins' definitions say",
    command: ['node', 'kernel/tools/gen-manifests.ts', '--check'],
  },
  { name: 'units', about: "systemd's units are what the manifests say", command: ['node', 'kernel/tools/gen-units.ts', '--check'] },
  { name: 'reference', about: 'docs/reference is up to date', command: ['node', 'kernel/tools/gen-reference.ts', '--check'] },
  { name: 'names', about: 'names of files and folders, words of rooms', command: ['node', 'appliance/check/names.ts'] },
  { name: 'commits', about: 'subjects read "room: imperative, lower case"', command: ['node', 'appliance/check/commits.ts'] },
];
