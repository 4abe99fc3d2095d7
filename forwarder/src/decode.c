#include "decode.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "forwarder.h"
#include "layout.h"

struct fault {
	char text[160];
};

static uint32_t scalar(const uint8_t *at, uint32_t bytes)
{
	uint32_t value = 0;
	memcpy(&value, at, bytes);
	return value;
}

static bool all_zero(const uint8_t *at, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		if (at[i])
			return false;
	return true;
}

#define REFUSE(...) return snprintf(fault->text, sizeof(fault->text), __VA_ARGS__), false

static bool field_valid(const char *table, const struct field_layout *field, const uint8_t *row, struct fault *fault)
{
	const uint8_t *at = row + field->offset;
	uint32_t value = field->kind <= FIELD_FAMILY ? scalar(at, field->bytes) : 0;
	switch (field->kind) {
	case FIELD_U8:
	case FIELD_U16:
	case FIELD_U32:
		if (value < field->min || value > field->max)
			REFUSE("%s.%s is %u: give %u to %u", table, field->name, value, field->min, field->max);
		return true;
	case FIELD_FAMILY:
		if (value != 4 && value != 6)
			REFUSE("%s.%s is %u: give 4 or 6", table, field->name, value);
		return true;
	case FIELD_TEXT:
		if (!memchr(at, 0, field->bytes))
			REFUSE("%s.%s has no end: give at most %u bytes and a NUL", table, field->name,
			        field->bytes - 1u);
		return true;
	case FIELD_PAD:
		if (!all_zero(at, field->bytes))
			REFUSE("%s: the gap at byte %u is not zero", table, field->offset);
		return true;
	case FIELD_MAC:
	case FIELD_IP:
		return true;
	}
	return true;
}

/* address: 16 bytes; everything from bit `bits` on must be zero. */
static bool cut_after(const uint8_t *address, uint32_t bits)
{
	uint32_t whole = bits / 8;
	if (bits % 8 && address[whole++] & (0xffu >> bits % 8))
		return false;
	return all_zero(address + whole, 16 - whole);
}

/* What one field alone does not tell. */
static bool key_consistent(uint32_t table, const uint8_t *row, struct fault *fault)
{
	const char *name = table_layouts[table].name;
	if (table == FWD_TABLE_NEIGHBOR) {
		const struct fwd_neighbor_row *neighbor = (const void *)row;
		if (neighbor->family == 4 && !cut_after(neighbor->address, 32))
			REFUSE("%s.address: an IPv4 address has 4 bytes, the rest is zero", name);
	} else if (table == FWD_TABLE_SERVICE) {
		const struct fwd_service_row *service = (const void *)row;
		if (service->family == 4 && !cut_after(service->address, 32))
			REFUSE("%s.address: an IPv4 address has 4 bytes, the rest is zero", name);
	} else if (table == FWD_TABLE_ROUTE) {
		const struct fwd_route_row *route = (const void *)row;
		if (route->family == 4 && route->prefix_length > 32)
			REFUSE("%s.prefix_length is %u: give 0 to 32", name, route->prefix_length);
		if (!cut_after(route->address, route->prefix_length))
			REFUSE("%s.address has bits set after prefix_length: set them to 0", name);
	} else if (table == FWD_TABLE_MAC) {
		const struct fwd_mac_row *mac = (const void *)row;
		if (mac->mac[0] & 1)
			REFUSE("%s.mac is a multicast address: give a unicast one", name);
	}
	return true;
}

static bool row_valid(uint32_t table, const uint8_t *row, bool key_only, struct fault *fault)
{
	const struct table_layout *layout = &table_layouts[table];
	for (uint32_t i = 0; i < layout->field_count; i++) {
		const struct field_layout *field = &layout->fields[i];
		if (key_only && field->offset >= layout->key_bytes)
			continue;
		if (!field_valid(layout->name, field, row, fault))
			return false;
	}
	return key_consistent(table, row, fault);
}

bool decode_row_valid(uint32_t table, const uint8_t *row)
{
	struct fault fault;
	return row_valid(table, row, false, &fault);
}

int32_t decode_op(const uint8_t *bytes, uint32_t left, uint32_t number, struct op *op)
{
	if (left < OP_HEAD_BYTES)
		return error_set(
		        FWD_ERR_ROW, "operation %u: %u bytes left, its head has %u", number, left, OP_HEAD_BYTES);
	uint32_t size = scalar(bytes + 2, 2), table = bytes[1];
	*op = (struct op){.op = bytes[0], .table = bytes[1]};
	if (op->op != FWD_OP_UPSERT && op->op != FWD_OP_DELETE) {
		return error_set(FWD_ERR_ROW, "operation %u: op is %u: give 1 (upsert) or 2 (delete)", number, op->op);
	}
	if (table == 0 || table >= TABLE_LIMIT)
		return error_set(FWD_ERR_ROW, "operation %u: there is no table %u", number, table);
	const struct table_layout *layout = &table_layouts[table];
	if (size != layout->row_bytes) {
		return error_set(FWD_ERR_ROW, "operation %u: %s: size is %u: its rows have %u bytes", number,
		        layout->name, size, layout->row_bytes);
	}
	if (!all_zero(bytes + 4, 4))
		return error_set(FWD_ERR_ROW, "operation %u: %s: bytes 4 to 7 are not zero", number, layout->name);
	if (left - OP_HEAD_BYTES < size)
		return error_set(FWD_ERR_ROW, "operation %u: %s: the row is cut short", number, layout->name);
	struct fault fault;
	memcpy(op->row, bytes + OP_HEAD_BYTES, op->op == FWD_OP_DELETE ? layout->key_bytes : size);
	if (!row_valid(table, op->row, op->op == FWD_OP_DELETE, &fault))
		return error_set(FWD_ERR_ROW, "operation %u: %s", number, fault.text);
	return (int32_t)(OP_HEAD_BYTES + size);
}
