/* Where the mappings lie, and what of them a process takes over from the one before. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <rte_cycles.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "flow_own.h"
#include "log.h"
#include "nat_map_own.h"
#include "port.h"

#define MAGIC        0x70616d74616eULL
#define VERSION      1u
#define ADDRESSES    16u
#define REUSE_WAIT   120u
#define HEADER_BYTES (512u << 10)
#define SUBSCRIBERS  ((size_t)UINT16_MAX + 1)

_Static_assert(sizeof(struct nat_header) <= HEADER_BYTES, "the header fits");
_Static_assert(sizeof(struct nat_ports) % 4096 == 0, "places are whole pages");

struct nat_header *nat_file;
struct nat_ports *nat_ports;
struct nat_place_state *nat_states;
struct nat_subscriber *nat_subscribers;
struct nat_settings nat_settings;

static uint64_t file_bytes(void)
{
	return HEADER_BYTES + (uint64_t)nat_settings.places * sizeof(struct nat_ports);
}

/* Pages of it cost memory when they are written. */
static void *allocate(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void give_back(void *at, size_t bytes)
{
	if (at != NULL)
		munmap(at, bytes);
}

static int map(int fd, uint64_t offset)
{
	struct stat file;

	if (fstat(fd, &file) != 0 ||
	        ((uint64_t)file.st_size < offset + file_bytes() && ftruncate(fd, (off_t)(offset + file_bytes())) != 0))
		return error_set(-errno, "state memory cannot be extended for %u shared addresses: %s",
		        nat_settings.places, strerror(errno));
	void *at = mmap(NULL, file_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (at == MAP_FAILED)
		return error_set(-errno, "the outside ports cannot be mapped: %s", strerror(errno));
	nat_file = at;
	nat_ports = (struct nat_ports *)((uint8_t *)at + HEADER_BYTES);
	return 0;
}

/* Memory of another version, or of something else, is given up. */
static int open_header(int fd, uint64_t offset)
{
	struct nat_header *header = nat_file;

	if (header->magic == MAGIC && header->version == VERSION && header->sequence != 0)
		return 0;
	if (header->magic != 0 &&
	        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)file_bytes()) != 0)
		return error_set(
		        -errno, "the outside ports of another version cannot be given up: %s", strerror(errno));
	header->version = VERSION;
	header->sequence = 1;
	__atomic_store_n(&header->magic, MAGIC, __ATOMIC_RELEASE);
	return 0;
}

static uint16_t live_slot(const struct nat_unit *unit)
{
	const struct port *port = port_of(unit->inside_port);

	return port != NULL && port->generation == unit->owner ? port->slot : 0;
}

/* Flows that use it are to come: each calls nat_map_adopt. Returns whether it is in use. */
static bool take_over_entry(uint32_t number, uint32_t owner, uint32_t now)
{
	struct nat_entry *entry = nat_entry(number);
	uint64_t use = entry->use;

	if ((use & NAT_USED) == 0 || (uint32_t)entry->inside[2] != owner ||
	        (!nat_is_held(use) && nat_is_over(use, now))) {
		entry->use = use & ~(NAT_TURN - 1);
		return false;
	}
	if (nat_is_held(use))
		entry->use = (use & ~(NAT_REFS | NAT_UNTIL)) |
		             ((uint64_t)(now + nat_settings.wait) << NAT_UNTIL_SHIFT & NAT_UNTIL);
	if ((use & NAT_ALONE) == 0) {
		uint32_t *bucket = nat_bucket_enter(nat_protocol_of(number), entry->inside);
		nat_bucket_add(bucket, number);
		nat_bucket_leave(bucket);
	}
	return true;
}

static void take_over_unit(uint32_t place, uint32_t unit, uint32_t now)
{
	const struct nat_unit *of = &nat_ports[place].units[unit];
	struct nat_unit_state *state = &nat_states[place].units[unit];

	state->slot = live_slot(of);
	for (uint32_t protocol = 0; protocol < NAT_PROTOCOLS; protocol++) {
		for (uint32_t i = 0; i < NAT_UNIT; i++) {
			uint32_t number = nat_number(place, protocol, unit * NAT_UNIT + i);
			if (take_over_entry(number, of->owner, now))
				state->waiting[protocol] |= 1ull << i;
		}
		state->used[protocol] = state->waiting[protocol] | of->barred;
	}
}

/* Not one that was being given out, or back, when the process ended. */
static bool is_block(const struct nat_unit *units, uint32_t first)
{
	uint32_t count = units[first].count;

	if (count == 0 || (count & (count - 1)) != 0 || first + count > NAT_UNITS)
		return false;
	for (uint32_t unit = first; unit < first + count; unit++)
		if (units[unit].owner != units[first].owner || units[unit].first != first || units[unit].count != count)
			return false;
	return true;
}

static void join(uint32_t place, uint32_t first)
{
	uint16_t slot = nat_states[place].units[first].slot;
	struct nat_subscriber *s = &nat_subscribers[slot];
	struct nat_home *home = &s->homes[nat_file->places[place].family == 6];

	if (slot != 0 && s->generation == 0)
		nat_subscriber_enter(s, nat_ports[place].units[first].owner);
	if (slot != 0 && home->place == NAT_NONE && nat_states[place].row != NULL)
		home->place = place;
	if (slot != 0 && home->place == place)
		nat_block_link(home, first);
	nat_block_settle(place, first, s);
}

/* Returns how many blocks. */
static uint32_t take_over_place(uint32_t place, uint32_t now)
{
	struct nat_unit *units = nat_ports[place].units;
	uint32_t blocks = 0;

	for (uint32_t first = 0; first < NAT_UNITS;) {
		if (units[first].owner == 0 || !is_block(units, first)) {
			units[first++].owner = 0;
			continue;
		}
		uint32_t count = units[first].count;
		for (uint32_t unit = first; unit < first + count; unit++)
			take_over_unit(place, unit, now);
		join(place, first);
		first += count;
		blocks++;
	}
	return blocks;
}

static void take_over(void)
{
	for (uint32_t place = 0; place < NAT_PLACES; place++) {
		struct nat_place *at = &nat_file->places[place];
		if (place >= nat_settings.places || (at->family != 4 && at->family != 6)) {
			at->family = 0;
			continue;
		}
		nat_settings.used = place + 1;
		nat_place_adopt(place);
	}
}

static int take_memory(void)
{
	nat_states = allocate(nat_settings.places * sizeof(*nat_states));
	nat_subscribers = allocate(SUBSCRIBERS * sizeof(*nat_subscribers));
	if (nat_states == NULL || nat_subscribers == NULL || nat_endpoints_init(flow_life.capacity) != 0)
		return error_set(-ENOMEM, "no memory for %u shared addresses", nat_settings.places);
	return 0;
}

int nat_map_start(const struct fwd_config *config, uint64_t offset, uint64_t *end)
{
	uint64_t begin = rte_rdtsc();

	nat_settings = (struct nat_settings){.places = config->nat_addresses == 0 ? ADDRESSES : config->nat_addresses,
	        .wait = (config->nat_reuse_wait == 0 ? REUSE_WAIT : config->nat_reuse_wait) * FLOW_HZ};
	*end = offset + file_bytes();
	int result = map(config->state_fd, offset);
	if (result == 0)
		result = open_header(config->state_fd, offset);
	if (result == 0)
		result = take_memory();
	if (result != 0)
		return result;
	take_over();
	nat_places_init();
	uint32_t now = flow_tick(), blocks = 0;
	for (uint32_t place = 0; place < nat_settings.used; place++)
		if (nat_file->places[place].family != 0)
			blocks += take_over_place(place, now);
	log_line("nat: room for %u shared addresses, %u blocks taken over in %lu ms", nat_settings.places, blocks,
	        (rte_rdtsc() - begin) * 1000 / rte_get_tsc_hz());
	return 0;
}

void nat_map_stop(void)
{
	if (nat_file != NULL) {
		nat_places_fini();
		munmap(nat_file, file_bytes());
	}
	give_back(nat_states, nat_settings.places * sizeof(*nat_states));
	give_back(nat_subscribers, SUBSCRIBERS * sizeof(*nat_subscribers));
	nat_endpoints_fini();
	nat_file = NULL, nat_ports = NULL, nat_states = NULL, nat_subscribers = NULL;
}
