/* Where the table of flows lies, and what of it a process takes over from the one before. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "flow_outside.h"
#include "flow_own.h"
#include "flow_pairs.h"
#include "log.h"
#include "nat_map.h"
#include "policy.h"
#include "port.h"

static void *base;
static size_t bytes;

/* Slots of live ports by the generation of their rows: open addressing, at most half full. */
static struct live {
	uint32_t generation;
	uint16_t slot;
} * live;
static uint32_t live_mask;

static struct live *live_place(uint32_t generation)
{
	uint32_t at = generation * 2654435761u & live_mask;

	while (live[at].generation != 0 && live[at].generation != generation)
		at = (at + 1) & live_mask;
	return &live[at];
}

static int list_live_ports(void)
{
	struct port_report_entry port;
	uint32_t count = 0, size = 16;

	for (uint32_t from = 0; port_next(from, &port); from = port.id + 1)
		count++;
	while (size < 2 * count + 2)
		size *= 2;
	live = calloc(size, sizeof(*live));
	if (live == NULL)
		return -ENOMEM;
	live_mask = size - 1;
	for (uint32_t from = 0; port_next(from, &port); from = port.id + 1) {
		*live_place(port.generation) = (struct live){.generation = port.generation, .slot = port.slot};
		flow_port_note(port.slot, port.generation, port.id);
	}
	return 0;
}

/* 0: there is no such port. */
static uint16_t live_slot(uint32_t generation)
{
	return generation == 0 ? 0 : live_place(generation)->slot;
}

/* It lies in memory that only forwarders write, and a killed one leaves no pair half written: what does not fit here is
 * damage. */
static bool take_over(struct flow_pair *pair, void *context)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct flow_half *half = &pair->half[i];
		if (half->way_out != pair->half[!i].key.context || (half->slot = live_slot(half->key.context)) == 0)
			return false;
		half->stamps = FLOW_STALE;
		pair->count[i].rule = POLICY_NO_RULE;
	}
	pair->count[FLOW_FORWARD].queued = 0;
	pair->count[FLOW_REVERSE].told_packets = pair->count[0].packets + pair->count[1].packets;
	pair->count[FLOW_REVERSE].told_bytes = pair->count[0].bytes + pair->count[1].bytes;
	if (!flow_outside_adopt(pair))
		return false;
	if (flow_charge(pair->half[FLOW_FORWARD].slot, pair->half[FLOW_FORWARD].key.context))
		return true;
	flow_outside_release(pair);
	return false;
}

/* Address space in which the file's huge pages can lie. */
static void *reserve(void)
{
	uint8_t *at = mmap(NULL, bytes + FLOW_HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return MAP_FAILED;
	size_t before = -(uintptr_t)at & (FLOW_HUGE_PAGE - 1);
	if (before != 0)
		munmap(at, before);
	if (before != FLOW_HUGE_PAGE)
		munmap(at + before + bytes, FLOW_HUGE_PAGE - before);
	return at + before;
}

/* A table of another size starts empty; its pages go, and with them what lies behind it. */
static int resize(int fd, uint64_t offset)
{
	struct flow_header header;
	struct stat file;

	if (pread(fd, &header, sizeof(header), (off_t)offset) == sizeof(header) && header.magic != 0 &&
	        header.capacity != flow_life.capacity && ftruncate(fd, (off_t)offset) != 0)
		return -errno;
	if (fstat(fd, &file) != 0)
		return -errno;
	return (uint64_t)file.st_size < offset + bytes && ftruncate(fd, (off_t)(offset + bytes)) != 0 ? -errno : 0;
}

static int map(int fd, uint64_t offset)
{
	bytes = (flow_table_bytes(flow_life.capacity) + FLOW_HUGE_PAGE - 1) & ~((size_t)FLOW_HUGE_PAGE - 1);
	int result = resize(fd, offset);
	if (result != 0)
		return error_set(result, "state memory cannot be extended for %u flows: %s", flow_life.capacity,
		        strerror(-result));
	void *at = reserve();
	if (at != MAP_FAILED)
		at = mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)offset);
	if (at == MAP_FAILED)
		return error_set(-errno, "the table of flows cannot be mapped: %s", strerror(errno));
	base = at;
	madvise(base, bytes, MADV_HUGEPAGE);
	return 0;
}

/* Pairs that were never used are zero when they are taken, also if the header was damaged. Costs no memory. */
static void clear_unused(int fd, uint64_t offset)
{
	size_t used = flow_table_bytes(flows.header->high_water);

	if (used < bytes && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(offset + used),
	                            (off_t)(bytes - used)) != 0)
		log_line("flows: what is unused cannot be cleared: %s", strerror(errno));
}

int flow_attach(const struct fwd_config *config, uint64_t from)
{
	uint64_t begin = rte_rdtsc(), offset = (from + FLOW_HUGE_PAGE - 1) & ~((uint64_t)FLOW_HUGE_PAGE - 1);
	bool fresh;
	uint64_t end;
	int result = map(config->state_fd, offset);

	flow_shares_reset();
	if (result == 0)
		result = nat_map_start(config, offset + bytes, &end);
	/* What is behind was of more shared addresses. */
	if (result == 0 && ftruncate(config->state_fd, (off_t)end) != 0)
		result = error_set(-errno, "state memory cannot be resized: %s", strerror(errno));
	if (result != 0)
		return result;
	result = list_live_ports();
	if (result == 0)
		result = flow_table_open(&flows, base, flow_life.capacity, take_over, NULL, &fresh);
	free(live);
	live = NULL;
	if (result == -ENOMEM)
		return error_set(result, "no memory for %u flows", flow_life.capacity);
	if (result != 0)
		return result;
	clear_unused(config->state_fd, offset);
	flow_life.kept = flow_count(&flows);
	log_line("flows: room for %u, %lu taken over in %lu ms", flow_life.capacity, flow_life.kept,
	        (rte_rdtsc() - begin) * 1000 / rte_get_tsc_hz());
	return 0;
}

void flow_detach(void)
{
	if (base == NULL)
		return;
	flow_table_close(&flows);
	nat_map_stop();
	munmap(base, bytes);
	base = NULL;
}
