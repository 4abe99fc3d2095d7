/** Writes the binding's pack.gen.ts and the plugins' rows.gen.ts. */
import { calls, enums } from './calls.ts';
import { notice } from './emit-c.ts';
import { abiHash, type Layout, layoutWords, type PlacedField, type RowLayout, recordLayouts, rowLayouts } from './layout.ts';
import { idLimit } from './schema.ts';

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const pascal = (name: string): string => camel(`_${name}`);
const visible = (layout: Layout): readonly PlacedField[] => layout.fields.filter((field) => !field.family);

/** Addresses are text in rows, which people write, and bytes in records. */
function tsType(field: PlacedField, isRow: boolean): string {
  if (field.type === 'ip') return isRow ? 'string' : 'Buffer';
  if (field.type === 'u64') return 'bigint';
  return ['mac', 'text'].includes(field.type) ? 'string' : 'number';
}

function interfaceOf(layout: Layout, name: string, fields: readonly PlacedField[], table?: string): string {
  const members = fields.map((field) => {
    const type = tsType(field, table !== undefined);
    const doc = `${type === 'Buffer' ? '4 or 16 bytes: ' : ''}${field.doc.replaceAll('enum fwd_', '')}`;
    return `  /** ${doc} */\n  readonly ${camel(field.name)}: ${type};`;
  });
  return [
    `/** ${layout.spec.doc} */`,
    `export interface ${name} {`,
    ...(table ? [`  readonly table: '${table}';`] : []),
    ...members,
    '}',
  ].join('\n');
}

const scalarMethod: Record<string, string> = { u8: 'UInt8', u16: 'UInt16LE', u32: 'UInt32LE', i32: 'Int32LE', u64: 'BigUInt64LE' };

/** The field of a record that tells how long its addresses are. */
function versionOf(layout: Layout): PlacedField {
  const version = layout.fields.find(({ name }) => name === 'version');
  if (!version) throw new Error(`${layout.struct} has addresses: give it a field 'version'`);
  return version;
}

function readExpression(layout: Layout, field: PlacedField): string {
  const at = field.offset === 0 ? 'at' : `at + ${field.offset}`;
  if (field.type === 'mac') return `readMac(buffer, ${at})`;
  if (field.type === 'text') return `readText(buffer, ${at}, ${field.bytes})`;
  if (field.type === 'ip') return `readAddress(buffer, ${at}, at + ${versionOf(layout).offset})`;
  return `buffer.read${scalarMethod[field.type]}(${at})`;
}

function reader(layout: Layout, name: string, table?: string): string {
  return [
    `function read${name}(buffer: Buffer, at: number): ${name} {`,
    '  return {',
    ...(table ? [`    table: '${table}',`] : []),
    ...visible(layout).map((field) => `    ${camel(field.name)}: ${readExpression(layout, field)},`),
    '  };',
    '}',
  ].join('\n');
}

function writer(layout: Layout): string {
  const name = camel(layout.spec.name);
  const lines = layout.fields.map((field) => {
    const value = `'${name}.${camel(field.name)}', ${name}.${camel(field.name)}`;
    if (field.type === 'text') return `  out.write(checkText(${value}, ${field.bytes}), ${field.offset});`;
    if (field.type === 'ip') return `  out.set(checkAddress(${value}), ${field.offset});`;
    return `  out.write${scalarMethod[field.type]}(checkInteger(${value}), ${field.offset});`;
  });
  return `/** A struct ${layout.struct}. Throws a RangeError that names the field. */
export function pack${pascal(layout.spec.name)}(${name}: ${pascal(layout.spec.name)}): Buffer {
  const out = Buffer.alloc(${layout.size});
${lines.join('\n')}
  return out;
}`;
}

const koffiTypes = { 'const void *': 'const void *', 'void *': 'void *', 'const char *': 'const char *', uint32_t: 'uint32_t' } as const;

/** What the binding writes; it reads all others. */
const givenRecords = ['fwd_config', 'fwd_flow_filter'];
/** Enumerations that the binding's callers need. */
const binding = ['err', 'link', 'direction', 'step_kind', 'verdict', 'tcp_pickup', 'flow_event', 'flow_state', 'nat_event_kind'];

/** Readers of result records, call signatures and the expected layout, for forwarder/binding. */
export function packFile(): string {
  const out = recordLayouts.filter((layout) => layout.struct !== 'fwd_punt');
  const given = out.filter((layout) => givenRecords.includes(layout.struct));
  const results = out.filter((layout) => !givenRecords.includes(layout.struct));
  const signatures = calls.map((call) => {
    const parameters = call.parameters.map(([type, name]) => `['${name}', '${koffiTypes[type]}']`).join(', ');
    return `  ${call.name}: { returns: '${call.returns}', parameters: [${parameters}] },`;
  });
  return `/** Records, calls and layout of libforwarder. ${notice} */

/** What fwd_abi must return. */
export const abi = 0x${abiHash.toString(16).padStart(16, '0')}n;
/** What fwd_layout must write, as u32. */
export const layout: readonly number[] = [${layoutWords.join(', ')}];

/** Bytes of a row, by name of the table as plugins write it. */
export const rowBytes: Readonly<Record<string, number>> = { ${rowLayouts.map((row) => `${row.spec.name}: ${row.size}`).join(', ')} };
/** Tables that only the forwarder itself writes. */
export const internalTables: readonly string[] = [${rowLayouts
    .filter((row) => row.spec.internal)
    .map((row) => `'${row.spec.name}'`)
    .join(', ')}];
/** Number of a table, by its name. */
export const tableNumber: Readonly<Record<string, number>> = { ${rowLayouts.map((row) => `${row.spec.name}: ${row.spec.number}`).join(', ')} };

${enums
  .filter((spec) => binding.includes(spec.name))
  .map(
    (spec) =>
      `/** ${spec.doc} */\nexport const ${camel(spec.name === 'err' ? 'errors' : `${spec.name}s`)} = { ${spec.values.map(([name, value]) => `${name}: ${value}`).join(', ')} } as const;`,
  )
  .join('\n')}

/** Signatures of all calls, in C's words. */
export const calls = {
${signatures.join('\n')}
} as const;

function checkInteger(field: string, value: number): number {
  if (!Number.isInteger(value)) throw new RangeError(\`\${field} is \${value}: give an integer\`);
  return value;
}

/** Fits with the NUL that ends it. */
function checkText(field: string, value: string, bytes: number): string {
  if (Buffer.byteLength(value) >= bytes) throw new RangeError(\`\${field} is '\${value}': give at most \${bytes - 1} bytes\`);
  return value;
}

function readText(buffer: Buffer, at: number, bytes: number): string {
  const end = buffer.indexOf(0, at);
  return buffer.toString('utf8', at, end === -1 ? at + bytes : Math.min(end, at + bytes));
}

function readMac(buffer: Buffer, at: number): string {
  return buffer.toString('hex', at, at + 6).replace(/(..)(?=.)/g, '$1:');
}

/** As long as an IPv6 address at most. */
function checkAddress(field: string, value: Uint8Array): Uint8Array {
  if (value.length > 16) throw new RangeError(\`\${field} has \${value.length} bytes: give 4 or 16\`);
  return value;
}

/** The address, as long as the IP version at \`versionAt\` says. */
function readAddress(buffer: Buffer, at: number, versionAt: number): Buffer {
  return Buffer.from(buffer.subarray(at, at + (buffer.readUInt8(versionAt) === 4 ? 4 : 16)));
}

${[...given, ...results].map((layout) => interfaceOf(layout, pascal(layout.spec.name), visible(layout))).join('\n\n')}

${given.map(writer).join('\n\n')}

${results
  .map((layout) => {
    const name = pascal(layout.spec.name);
    return `/** Bytes of a struct ${layout.struct}. */\nexport const ${camel(layout.spec.name)}Bytes = ${layout.size};\n\n${reader(layout, name).replace('function', `/** Reads the struct ${layout.struct} at \`at\`. */\nexport function`)}`;
  })
  .join('\n\n')}
`;
}

function fieldTable(row: RowLayout): string {
  const fields = row.fields.map((field, index) => {
    const limit = ['u8', 'u16', 'u32'].includes(field.type)
      ? `, min: ${field.min ?? 0}, max: ${field.max ?? 2 ** (8 * field.bytes) - 1}`
      : '';
    const family = row.fields.find((other) => other.family);
    const familyAt = field.type === 'ip' ? `, family: ${family?.offset ?? 0}` : '';
    return field.family
      ? []
      : [
          `      { name: '${camel(field.name)}', type: '${field.type}', offset: ${field.offset}, bytes: ${field.bytes}, key: ${index < row.spec.key}${limit}${familyAt} },`,
        ];
  });
  return `  ${row.spec.name}: {
    number: ${row.spec.number},
    bytes: ${row.size},
    keyBytes: ${row.keyBytes},
    fields: [
${fields.flat().join('\n')}
    ],
  },`;
}

/** Row types and packers for plugins. */
export function rowsFile(): string {
  const names = rowLayouts.map((row) => ({ row, name: pascal(row.spec.name) }));
  return `/** Rows of the forwarder's tables: types, packers, readers. ${notice} */
import { keyOnly, packKey, packRow, readRow, type TableSpec } from './row-codec.ts';

/** Identifiers of VRFs, bridges and ports are below this. */
export const idLimit = ${idLimit};

${names.map(({ row, name }) => interfaceOf(row, `${name}Row`, visible(row), row.spec.name)).join('\n\n')}

${names
  .map(({ row, name }) =>
    interfaceOf(
      { ...row, spec: { ...row.spec, doc: `Key of a ${name}Row.` } },
      `${name}Key`,
      visible(row).filter((field) => row.fields.findIndex((other) => other.name === field.name) < row.spec.key),
      row.spec.name,
    ),
  )
  .join('\n\n')}

export type Row = ${names.map(({ name }) => `${name}Row`).join(' | ')};
export type RowKey = ${names.map(({ name }) => `${name}Key`).join(' | ')};
export type TableName = Row['table'];

/** Numbers, sizes and fields of the tables. */
export const tables: Readonly<Record<TableName, TableSpec>> = {
${rowLayouts.map(fieldTable).join('\n')}
};

/** The operation that makes or changes a row. Throws a RangeError that names table and field. */
export function packUpsert(row: Row): Buffer {
  return packRow(row.table, tables[row.table], row);
}

/** The operation that removes the row with this key. Throws a RangeError that names table and field. */
export function packDelete(key: RowKey): Buffer {
  return packKey(key.table, tables[key.table], key);
}

/** The key as text: equal for rows with the same key, however their addresses are written. */
export function rowId(row: Row | RowKey): string {
  return operationId(packKey(row.table, tables[row.table], row));
}

/** The row that an operation makes or removes, as \`rowId\` names it. */
export function operationId(op: Buffer): string {
  const { name, spec } = tableOf(op);
  return \`\${name}/\${op.toString('hex', 8, 8 + spec.keyBytes)}\`;
}

/** The operation that removes the row which \`op\` makes. */
export function deletionOf(op: Buffer): Buffer {
  return keyOnly(op, tableOf(op).spec);
}

const byNumber = new Map(Object.entries(tables).map(([name, spec]) => [spec.number, { name, spec }]));

function tableOf(op: Buffer): { readonly name: string; readonly spec: TableSpec } {
  const found = byNumber.get(op.readUInt8(1));
  if (!found) throw new RangeError(\`there is no table \${op.readUInt8(1)}\`);
  return found;
}

/** Rows that stand back to back, as rows.read answers. A rest that is no whole row is ignored. */
export function readRows(table: TableName, buffer: Buffer): Row[] {
  const spec = tables[table];
  const rows: Row[] = [];
  for (let at = 0; at + spec.bytes <= buffer.length; at += spec.bytes) rows.push({ table, ...readRow(spec, buffer, at) } as unknown as Row);
  return rows;
}
`;
}
