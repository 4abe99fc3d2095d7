/** Checks a plugin's settings against its schema, with every finding in words. */
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { fail } from '../contract/system/errors.ts';

/** The settings with defaults filled. Throws `INVALID` that names each bad setting. */
export function checkSettings(plugin: string, schema: TSchema, given: unknown): unknown {
  const settings = Value.Default(schema, structuredClone(given));
  const errors = [...Value.Errors(schema, settings)];
  if (errors.length === 0) return settings;
  const findings = errors.map((error) => ({
    object: `plugins.${plugin}`,
    pointer: error.instancePath,
    message: error.message,
    fix: `correct plugins.${plugin}${error.instancePath.replaceAll('/', '.')} in the configuration file`,
  }));
  const first = findings[0];
  throw fail('INVALID', `plugins.${plugin}${first?.pointer.replaceAll('/', '.')}: ${first?.message}`, first?.fix, findings);
}
