/* Every public call but the row batches: checks arguments, calls one module, maps errors. See include/forwarder.h. */
#include <errno.h>
#include <string.h>

#include "arena.h"
#include "dataplane.h"
#include "decode.h"
#include "eal.h"
#include "error.h"
#include "forwarder.h"
#include "guard.h"
#include "layout.h"
#include "life.h"
#include "log.h"
#include "nat_map.h"
#include "rcu.h"
#include "rows.h"
#include "tables_update.h"

/* 100 days: what ticks of flows can tell apart. */
#define FLOW_SECONDS_MOST 8640000u
/* A day: what an outside port can tell apart. */
#define NAT_WAIT_MOST 86400u

static struct fwd_state state;

uint64_t fwd_abi(void)
{
	return FWD_ABI;
}

int32_t fwd_layout(void *out, uint32_t length)
{
	if (!out || length < layout_word_count * sizeof(uint32_t))
		return bad_argument("out is too small");
	memcpy(out, layout_words, layout_word_count * sizeof(uint32_t));
	return (int32_t)layout_word_count;
}

/* Copies a text and its NUL, cut to fit. Returns its length. */
static int32_t copy_text(const char *text, void *out, uint32_t length)
{
	size_t bytes = strlen(text);
	if (bytes > length - 1)
		bytes = length - 1;
	memcpy(out, text, bytes);
	((char *)out)[bytes] = 0;
	return (int32_t)bytes;
}

int32_t fwd_error_text(void *out, uint32_t length)
{
	return out && length ? copy_text(error_text(), out, length) : FWD_ERR_ARGUMENT;
}

int32_t fwd_drop_name(uint32_t reason, void *out, uint32_t length)
{
	const char *text = dataplane_drop_name(reason);
	if (!out || !length)
		return bad_argument("out is too small");
	return text ? copy_text(text, out, length) : error_set(FWD_ERR_ARGUMENT, "there is no drop reason %u", reason);
}

/* 0 stands for the default of each. */
static int32_t check_flow_config(const struct fwd_config *config)
{
	if (config->flow_pairs != 0 && (config->flow_pairs < 64 || config->flow_pairs > 16777216))
		return bad_argument("config.flow_pairs: give 64 to 16777216, or 0");
	if (config->flow_port_percent > 100)
		return bad_argument("config.flow_port_percent: give 1 to 100, or 0");
	if (config->flow_tcp_established > FLOW_SECONDS_MOST || config->flow_tcp_transitory > FLOW_SECONDS_MOST ||
	        config->flow_udp > FLOW_SECONDS_MOST || config->flow_icmp > FLOW_SECONDS_MOST ||
	        config->flow_other > FLOW_SECONDS_MOST)
		return bad_argument("config.flow_tcp_established and the others: give at most 8640000 seconds");
	if (config->flow_tcp_pickup > FWD_TCP_PICKUP_NEVER)
		return bad_argument("config.flow_tcp_pickup: give 0 to 2");
	return 0;
}

static int32_t check_nat_config(const struct fwd_config *config)
{
	if (config->nat_addresses > 1024)
		return bad_argument("config.nat_addresses: give 1 to 1024, or 0");
	if (config->nat_reuse_wait > NAT_WAIT_MOST)
		return bad_argument("config.nat_reuse_wait: give 1 to 86400 seconds, or 0");
	return 0;
}

static int32_t check_config(const struct fwd_config *config)
{
	if (config->memory_mib < 64 || config->memory_mib > 65536)
		return bad_argument("config.memory_mib: give 64 to 65536");
	if (config->state_mib < 4 || config->state_mib > 65536)
		return bad_argument("config.state_mib: give 4 to 65536");
	if (config->cpu < -1 || config->cpu > 1023)
		return bad_argument("config.cpu: give a CPU's number or -1");
	if (config->packet_threads < 1 || config->packet_threads > 8)
		return bad_argument("config.packet_threads: give 1 to 8");
	if (config->max_ports < 1 || config->max_ports > 65536)
		return bad_argument("config.max_ports: give 1 to 65536");
	if (config->hugepages > 1)
		return bad_argument("config.hugepages: give 0 or 1");
	if (config->log_level < 1 || config->log_level > 8)
		return bad_argument("config.log_level: give 1 to 8");
	size_t tag = strspn(config->link_tag, "abcdefghijklmnopqrstuvwxyz0123456789");
	if (tag == 0 || tag >= sizeof(config->link_tag) || config->link_tag[tag])
		return bad_argument("config.link_tag: give 1 to 3 letters a-z or digits");
	int32_t failed = check_flow_config(config);
	return failed ? failed : check_nat_config(config);
}

/* On fwd-main, when EAL is up. Rows cannot change yet: the calls still answer STATE. */
static int packets_up(const struct fwd_config *config)
{
	tables_listen((struct tables_listener){
	        .port = port_row_changed,
	        .punt_class = punt_class_row_changed,
	        .source = guard_source_changed,
	        .learned_neighbor = guard_learned_changed,
	        .nat_address = nat_map_address_changed,
	});
	return dataplane_start(config);
}

static void state_down(void)
{
	rows_detach();
	tables_fini();
	rcu_fini();
	arena_close();
}

static int32_t state_up(const struct fwd_config *config)
{
	int32_t failed = arena_open(config->state_fd, config->state_mib, decode_row_valid, &state);
	if (failed)
		return failed;
	if (rcu_init()) {
		arena_close();
		return error_set(FWD_ERR_MEMORY, "no memory for RCU");
	}
	failed = tables_init() ? error_set(FWD_ERR_MEMORY, "no memory for the tables") : rows_attach(&state);
	if (failed)
		state_down();
	return failed;
}

static int32_t start(const struct fwd_config *config)
{
	int32_t failed = state_up(config);
	if (failed)
		return failed;
	log_line("state memory: %u rows taken over, %u discarded, %u changes replayed%s%s", state.rows, state.discarded,
	        state.replayed, state.note[0] ? "; " : "", state.note);
	failed = eal_start(config, packets_up);
	if (failed)
		state_down();
	return failed;
}

int32_t fwd_start(const void *config, uint32_t length)
{
	struct fwd_config copy;
	if (!config || length != sizeof(copy))
		return bad_argument("config: give a struct fwd_config");
	memcpy(&copy, config, sizeof(copy));
	int32_t failed = check_config(&copy);
	if (failed)
		return failed;
	if (!life_starting())
		return error_set(FWD_ERR_STATE, "the forwarder was started before: it starts once per process");
	log_open(copy.log_fd);
	failed = start(&copy);
	life_started(failed == 0);
	return failed;
}

int32_t fwd_stop(void)
{
	if (!life_stopping())
		return error_set(FWD_ERR_STATE, "the forwarder is not running");
	eal_stop(dataplane_stop);
	state_down();
	life_stopped();
	return 0;
}

int32_t fwd_state_read(void *out, uint32_t length)
{
	if (!out || length < sizeof(state))
		return bad_argument("out: give room for a struct fwd_state");
	if (!life_enter())
		return not_running();
	memcpy(out, &state, sizeof(state));
	life_leave();
	return 0;
}

/* Maps the packet side's errno values. */
static int32_t mapped(int32_t result)
{
	if (result >= 0)
		return result;
	if (result == -ENOSPC)
		return bad_argument("out is too small for the first record");
	if (result == -EINVAL || result == -EPROTO)
		return bad_argument("a record is cut short or of another version");
	return error_set(FWD_ERR_SYSTEM, "%s", strerror(-result));
}

#define READ(call, type)                                                                                               \
	int32_t fwd_##call(uint32_t from, void *out, uint32_t length)                                                  \
	{                                                                                                              \
		if (!out || length < sizeof(struct type))                                                              \
			return bad_argument("out: give room for a struct " #type);                                     \
		if (!life_enter())                                                                                     \
			return not_running();                                                                          \
		int32_t result = mapped(dataplane_##call(from, out, length / (uint32_t)sizeof(struct type)));          \
		life_leave();                                                                                          \
		return result;                                                                                         \
	}

READ(ports_read, fwd_port_state)
READ(stats_read, fwd_port_stats)
READ(drops_read, fwd_drop)

#define ASK(call)                                                                                                      \
	int32_t fwd_##call(void)                                                                                       \
	{                                                                                                              \
		if (!life_enter())                                                                                     \
			return not_running();                                                                          \
		int32_t result = mapped(dataplane_##call());                                                           \
		life_leave();                                                                                          \
		return result;                                                                                         \
	}

ASK(ports_fd)
ASK(punt_fd)
ASK(punt_arm)

uint64_t fwd_ports_changes(void)
{
	if (!life_enter())
		return 0;
	uint64_t changes = dataplane_ports_changes();
	life_leave();
	return changes;
}

int32_t fwd_punt_read(uint32_t owner, void *out, uint32_t length)
{
	if (!out || !length)
		return bad_argument("out is too small");
	if (!life_enter())
		return not_running();
	int32_t result = rows_owner_exists(owner) ? mapped(dataplane_punt_read(owner, out, length))
	                                          : bad_argument("there is no such owner");
	life_leave();
	return result;
}

int32_t fwd_inject(uint32_t owner, const void *records, uint32_t length)
{
	if (!records && length)
		return bad_argument("records is NULL");
	if (!life_enter())
		return not_running();
	int32_t result = rows_owner_exists(owner) ? mapped(dataplane_inject(owner, records, length))
	                                          : bad_argument("there is no such owner");
	life_leave();
	return result;
}
