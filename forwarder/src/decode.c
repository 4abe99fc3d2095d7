#include "decode.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "forwarder.h"
#include "layout.h"

_Static_assert(sizeof(struct fwd_port_row) <= ROW_BYTES_LIMIT, "the longest row fits an operation");

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

/* What the fields of an address alone do not tell. prefix_length is read when it is not NULL. */
static bool address_consistent(
        const char *table, uint8_t family, const uint8_t *address, const uint8_t *prefix_length, struct fault *fault)
{
	if (prefix_length && family == 4 && *prefix_length > 32)
		REFUSE("%s.prefix_length is %u: give 0 to 32", table, *prefix_length);
	if (prefix_length && !cut_after(address, *prefix_length))
		REFUSE("%s.address has bits set after prefix_length: set them to 0", table);
	if (family == 4 && !cut_after(address, 32))
		REFUSE("%s.address: an IPv4 address has 4 bytes, the rest is zero", table);
	return true;
}

static bool unicast(const char *table, const uint8_t *mac, struct fault *fault)
{
	if (mac[0] & 1)
		REFUSE("%s.mac is a multicast address: give a unicast one", table);
	return true;
}

/* Not the unspecified address, a group, or all hosts. */
static bool host_address(
        const char *table, const char *field, uint8_t family, const uint8_t *address, struct fault *fault)
{
	if (family == 4 && !cut_after(address, 32))
		REFUSE("%s.%s: an IPv4 address has 4 bytes, the rest is zero", table, field);
	if (family == 4 ? address[0] == 0 || address[0] >= 224 : all_zero(address, 16) || address[0] == 0xff)
		REFUSE("%s.%s is no unicast address: give a host's", table, field);
	return true;
}

/* What one field of the key alone does not tell. */
static bool key_consistent(uint32_t table, const uint8_t *row, struct fault *fault)
{
	const char *name = table_layouts[table].name;
	const union {
		struct fwd_neighbor_row neighbor;
		struct fwd_learned_neighbor_row learned_neighbor;
		struct fwd_service_row service;
		struct fwd_route_row route;
		struct fwd_source_row source;
		struct fwd_mac_row mac;
		struct fwd_learned_mac_row learned_mac;
		struct fwd_nat_address_row nat_address;
		struct fwd_floating_ip_row floating_ip;
		struct fwd_uplink_neighbor_row uplink_neighbor;
	} *of = (const void *)row;
	switch (table) {
	case FWD_TABLE_NEIGHBOR:
		return address_consistent(name, of->neighbor.family, of->neighbor.address, NULL, fault);
	case FWD_TABLE_LEARNED_NEIGHBOR:
		return address_consistent(name, of->learned_neighbor.family, of->learned_neighbor.address, NULL, fault);
	case FWD_TABLE_SERVICE:
		return address_consistent(name, of->service.family, of->service.address, NULL, fault);
	case FWD_TABLE_ROUTE:
		return address_consistent(name, of->route.family, of->route.address, &of->route.prefix_length, fault);
	case FWD_TABLE_SOURCE:
		return address_consistent(
		               name, of->source.family, of->source.address, &of->source.prefix_length, fault) &&
		       unicast(name, of->source.mac, fault);
	case FWD_TABLE_MAC:
		return unicast(name, of->mac.mac, fault);
	case FWD_TABLE_LEARNED_MAC:
		return unicast(name, of->learned_mac.mac, fault);
	case FWD_TABLE_NAT_ADDRESS:
		return host_address(name, "address", of->nat_address.family, of->nat_address.address, fault);
	case FWD_TABLE_FLOATING_IP:
		return host_address(name, "address", of->floating_ip.family, of->floating_ip.address, fault);
	case FWD_TABLE_UPLINK_NEIGHBOR:
		return host_address(name, "address", of->uplink_neighbor.family, of->uplink_neighbor.address, fault);
	default:
		return true;
	}
}

static bool service_consistent(const char *table, const struct fwd_service_row *row, struct fault *fault)
{
	if (row->action == FWD_ACTION_PORT && row->protocol != IPPROTO_TCP && row->protocol != IPPROTO_UDP)
		REFUSE("%s.protocol is %u: only TCP (6) and UDP (17) reach a service port", table, row->protocol);
	return true;
}

static bool uplink_consistent(const char *table, const struct fwd_port_row *row, struct fault *fault)
{
	if ((row->flags & (FWD_PORT_SECURITY | FWD_PORT_SERVICE)) != 0)
		REFUSE("%s.flags: an uplink (32) has neither security (1) nor is it a service port (16)", table);
	return unicast(table, row->mac, fault);
}

static bool port_consistent(const char *table, const struct fwd_port_row *row, struct fault *fault)
{
	bool service = (row->flags & FWD_PORT_SERVICE) != 0;

	if (service && row->parent == 0)
		REFUSE("%s.parent is 0: name the plugin of a service port", table);
	if (service && row->binding != FWD_BINDING_NETNS && row->binding != FWD_BINDING_NONE)
		REFUSE("%s.binding is %u: a service port leads into a namespace (2)", table, row->binding);
	if (service && row->bridge != 0)
		REFUSE("%s.bridge is %u: a service port is in no bridge", table, row->bridge);
	if (service && (row->flags & (FWD_PORT_SECURITY | FWD_PORT_TRUNK)) != 0)
		REFUSE("%s.flags: a service port has neither security (1) nor is it a trunk (4)", table);
	return (row->flags & FWD_PORT_UPLINK) == 0 || uplink_consistent(table, row, fault);
}

static bool nexthop_consistent(const char *table, const struct fwd_nexthop_row *row, struct fault *fault)
{
	if (row->type == FWD_NEXTHOP_ECMP && row->size == 0)
		REFUSE("%s.size is 0: give a group 1 to 256 places", table);
	if (row->type == FWD_NEXTHOP_VRF && row->target == 0)
		REFUSE("%s.target is 0: name the VRF that is asked next", table);
	if (row->type == FWD_NEXTHOP_GATEWAY && row->port == 0)
		REFUSE("%s.port is 0: name the uplink of the gateway", table);
	if (row->type == FWD_NEXTHOP_GATEWAY && row->target > 255)
		REFUSE("%s.target is %u: give the number of a gateway, 0 to 255", table, row->target);
	return unicast(table, row->mac, fault);
}

static bool nat_address_consistent(const char *table, const struct fwd_nat_address_row *row, struct fault *fault)
{
	if (row->port_min > row->port_max)
		REFUSE("%s.port_min is %u, port_max %u: give the smaller one first", table, row->port_min,
		        row->port_max);
	if ((row->block_size & (row->block_size - 1)) != 0)
		REFUSE("%s.block_size is %u: give a power of two", table, row->block_size);
	return true;
}

static bool floating_ip_consistent(const char *table, const struct fwd_floating_ip_row *row, struct fault *fault)
{
	if (row->family == 4 && row->prefix_length > 32)
		REFUSE("%s.prefix_length is %u: give 0 to 32", table, row->prefix_length);
	if (row->inside_port == 0)
		REFUSE("%s.inside_port is 0: name the port of the VM", table);
	return host_address(table, "inside", row->family, row->inside, fault);
}

static bool rule_consistent(const char *table, const struct fwd_rule_row *row, struct fault *fault)
{
	if (row->port_min > row->port_max)
		REFUSE("%s.port_min is %u, port_max %u: give the smaller one first", table, row->port_min,
		        row->port_max);
	if (row->remote_group != 0 && row->prefix_length != 0)
		REFUSE("%s.remote_group is %u: give it or a prefix, not both", table, row->remote_group);
	return address_consistent(table, row->family, row->address, &row->prefix_length, fault);
}

/* What one field behind the key alone does not tell. */
static bool rest_consistent(uint32_t table, const uint8_t *row, struct fault *fault)
{
	const char *name = table_layouts[table].name;
	if (table == FWD_TABLE_NEIGHBOR)
		return unicast(name, ((const struct fwd_neighbor_row *)row)->mac, fault);
	if (table == FWD_TABLE_LEARNED_NEIGHBOR)
		return unicast(name, ((const struct fwd_learned_neighbor_row *)row)->mac, fault);
	if (table == FWD_TABLE_SERVICE)
		return service_consistent(name, (const struct fwd_service_row *)row, fault);
	if (table == FWD_TABLE_PORT)
		return port_consistent(name, (const struct fwd_port_row *)row, fault);
	if (table == FWD_TABLE_RULE)
		return rule_consistent(name, (const struct fwd_rule_row *)row, fault);
	if (table == FWD_TABLE_NEXTHOP)
		return nexthop_consistent(name, (const struct fwd_nexthop_row *)row, fault);
	if (table == FWD_TABLE_GATEWAY)
		return host_address(name, "address", ((const struct fwd_gateway_row *)row)->family,
		        ((const struct fwd_gateway_row *)row)->address, fault);
	if (table == FWD_TABLE_NAT_ADDRESS)
		return nat_address_consistent(name, (const struct fwd_nat_address_row *)row, fault);
	if (table == FWD_TABLE_FLOATING_IP)
		return floating_ip_consistent(name, (const struct fwd_floating_ip_row *)row, fault);
	if (table == FWD_TABLE_UPLINK_NEIGHBOR)
		return unicast(name, ((const struct fwd_uplink_neighbor_row *)row)->mac, fault);
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
	return key_consistent(table, row, fault) && (key_only || rest_consistent(table, row, fault));
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
	if (layout->internal) {
		return error_set(FWD_ERR_ROW, "operation %u: %s is written by the forwarder itself: leave it out",
		        number, layout->name);
	}
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
