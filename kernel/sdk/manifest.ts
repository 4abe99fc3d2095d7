/** From a plugin's definition to its manifest, and the manifest's file. */
import { createHash } from 'node:crypto';
import type { Manifest } from '../contract/system/manifest.ts';
import type { PluginDefinition } from './plugin.ts';

/** The definition as data, defaults filled. `version` is that of the plugin's package.json. */
export function manifestOf(definition: PluginDefinition, version: string): Manifest {
  const {
    name,
    summary,
    needs = [],
    kinds = [],
    operations = [],
    puntClasses = [],
    grants = {},
    limits,
    config,
    whenDisabled,
  } = definition;
  const { rows = [], reads = [], writes = [], outside, servicePort } = grants;
  const manifest = {
    name,
    version,
    summary,
    needs,
    kinds,
    operations,
    puntClasses,
    grants: { rows, reads, writes, outside, servicePort },
    limits,
    config,
    whenDisabled,
  };
  // Schemas carry symbols of their library, which are no part of the data.
  return JSON.parse(JSON.stringify(manifest)) as Manifest;
}

/** Text of `manifest.json`. */
export function renderManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Identity of a manifest file: SHA-256 of its bytes, hexadecimal. */
export function hashManifest(file: string | Buffer): string {
  return createHash('sha256').update(file).digest('hex');
}
