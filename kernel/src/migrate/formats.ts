/** Formats of the store, each made from the one before it. A number is never used again, a migration never changed once it was released. */
import { type Environment, formatOf, formatVersion, type KindSchema } from '../store/index.ts';

interface FormatMigration {
  /** What it makes. */
  readonly format: number;
  /** What is new in it. */
  readonly summary: string;
  /** In one transaction with the new number. */
  readonly run: (environment: Environment) => void;
}

const formatMigrations: readonly FormatMigration[] = [
  {
    format: 2,
    summary: 'the store remembers the schema version of each kind',
    run: ({ objects, log, meta }) => {
      const kinds = new Set<string>();
      for (const [kind] of objects.getKeys()) kinds.add(kind);
      for (const { value } of log.getRange()) kinds.add(value.object.kind);
      // format 1 came with programs that had no other version
      const first: KindSchema = { schemaVersion: 1, references: [] };
      for (const kind of kinds) meta.putSync(`schema/${kind}`, first);
    },
  },
];

/** Those that the store has not seen; none for a new one. @throws INTERNAL when a newer program has written it */
export function pendingFormats(environment: Environment): readonly FormatMigration[] {
  const format = formatOf(environment) ?? formatVersion;
  return formatMigrations.filter((migration) => migration.format > format);
}

/** Each in a transaction of its own: a kernel that dies in between goes on where it was. */
export async function migrateFormats(environment: Environment, pending: readonly FormatMigration[]): Promise<void> {
  const { root, meta } = environment;
  for (const migration of pending) {
    root.transactionSync(() => {
      migration.run(environment);
      meta.putSync('format', migration.format);
    });
    await root.flushed;
  }
}
