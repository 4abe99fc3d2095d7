/**
 * Drops from package-lock.json the optional packages of other platforms that the registry did not have when it was written: `npm ci` refuses a lock
 * that names a package without its entry. Run after each change of dependencies: `npm run lock`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Lock {
  packages: Record<string, { optionalDependencies?: Record<string, string> }>;
}

const path = join(import.meta.dirname, '..', '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8')) as Lock;
const names = new Set(Object.keys(lock.packages).map((place) => place.replace(/^.*node_modules\//, '')));
for (const entry of Object.values(lock.packages))
  for (const name of Object.keys(entry.optionalDependencies ?? {})) if (!names.has(name)) delete entry.optionalDependencies?.[name];
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
