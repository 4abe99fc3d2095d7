/** Writes forwarder.h and layout.gen.c. */
import { calls, enums } from './calls.ts';
import { abiHash, allLayouts, type Layout, layoutWords, type RowLayout, rowLayouts, rowsHash } from './layout.ts';
import { type CallSpec, type EnumSpec, idLimit } from './schema.ts';

export const notice = 'Written by forwarder/tools/gen.ts; edit the tables in schema.ts and calls.ts.';
const hex = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;
const cTypes = {
  u8: 'uint8_t',
  u16: 'uint16_t',
  u32: 'uint32_t',
  i32: 'int32_t',
  u64: 'uint64_t',
  mac: 'uint8_t',
  ip: 'uint8_t',
  text: 'char',
};

function comment(text: string): string {
  return `/* ${text.replaceAll('\n', '\n * ')} */`;
}

function enumeration(spec: EnumSpec): string {
  const lines = spec.values.map(([name, value, doc]) => `    ${spec.prefix}_${name} = ${value}, /* ${doc} */`);
  return [comment(spec.doc), `enum fwd_${spec.name} {`, ...lines, '};'].join('\n');
}

function struct(layout: Layout): string {
  const members = [
    ...layout.fields.map((field) => {
      const array = field.bytes > 1 && ['mac', 'ip', 'text'].includes(field.type) ? `[${field.bytes}]` : '';
      return { offset: field.offset, text: `    ${cTypes[field.type]} ${field.name}${array}; /* ${field.doc} */` };
    }),
    ...layout.pads.map((pad) => ({ offset: pad.offset, text: `    uint8_t ${pad.name}[${pad.bytes}]; /* zero */` })),
  ].sort((a, b) => a.offset - b.offset);
  return [
    comment(layout.spec.doc),
    `struct ${layout.struct} {`,
    ...members.map((member) => member.text),
    '};',
    `_Static_assert(sizeof(struct ${layout.struct}) == ${layout.size}, "${layout.struct}");`,
  ].join('\n');
}

function call(spec: CallSpec): string {
  const parameters = spec.parameters.map(([type, name]) => (type.endsWith('*') ? `${type}${name}` : `${type} ${name}`)).join(', ');
  return `${comment(spec.doc)}\nFWD_PUBLIC ${spec.returns} ${spec.name}(${parameters || 'void'});`;
}

export function header(): string {
  return `/*
 * libforwarder's public interface.
 * ${notice}
 *
 * Every call may be made from any thread. Calls return 0 or more, or a negative enum fwd_err. Buffers are pointer and length
 * in bytes and stay the caller's. Integers are little endian, IP and MAC addresses in network order; IPv4 addresses stand in
 * the first 4 of 16 bytes, the rest is zero.
 */
#ifndef FORWARDER_H
#define FORWARDER_H

#include <stdint.h>

#define FWD_PUBLIC __attribute__((visibility("default")))
#define FWD_ABI ${hex(abiHash)}ULL
#define FWD_ROWS_ABI ${hex(rowsHash)}ULL
#define FWD_ID_LIMIT ${idLimit}u /* ids of VRFs, bridges and ports are below */
#define FWD_ANY_VRF 0xffffffffu /* service rows of every VRF */
#define FWD_PUNT_VERSION 1
#define FWD_PUNT_FLAG_VLAN 1

${enums.map(enumeration).join('\n\n')}

/* Rows. */

${rowLayouts.map(struct).join('\n\n')}

/* Other records. */

${allLayouts
  .filter((layout) => !rowLayouts.some((row) => row === layout))
  .map(struct)
  .join('\n\n')}

/* Calls. */

${calls.map(call).join('\n\n')}

#endif
`;
}

function tableEntry(row: RowLayout): string {
  const fields = row.fields.map((field) => {
    const kind = field.family ? 'family' : field.type === 'u64' || field.type === 'i32' ? 'u32' : field.type;
    const limits = ['u8', 'u16', 'u32'].includes(field.type) ? [field.min ?? 0, field.max ?? 2 ** (8 * field.bytes) - 1] : [0, 0];
    return `            {"${field.name}", FIELD_${kind.toUpperCase()}, ${field.offset}, ${field.bytes}, ${limits[0]}u, ${limits[1]}u},`;
  });
  const pads = row.pads.map((pad) => `            {"${pad.name}", FIELD_PAD, ${pad.offset}, ${pad.bytes}, 0u, 0u},`);
  return `    [FWD_TABLE_${row.spec.name.toUpperCase()}] = {
        .name = "${row.spec.name}",
        .row_bytes = ${row.size},
        .key_bytes = ${row.keyBytes},
        .hash_bytes = ${row.hashBytes},
        .per_owner = ${row.spec.perOwner ? 'true' : 'false'},
        .internal = ${row.spec.internal ? 'true' : 'false'},
        .capacity = ${row.spec.capacity},
        .field_count = ${fields.length + pads.length},
        .fields = {
${[...fields, ...pads].join('\n')}
        },
    },`;
}

export function layoutFile(): string {
  const words = allLayouts.flatMap((layout) => [
    `    sizeof(struct ${layout.struct}),`,
    ...layout.fields.map((field) => `    offsetof(struct ${layout.struct}, ${field.name}),`),
  ]);
  return `/* Layout of the public records and of the row tables. ${notice} */
#include "layout.h"

#include <stddef.h>

#include "forwarder.h"

const uint32_t layout_words[] = {
${words.join('\n')}
};
const uint32_t layout_word_count = ${layoutWords.length};

const struct table_layout table_layouts[TABLE_LIMIT] = {
${rowLayouts.map(tableEntry).join('\n')}
};
`;
}
