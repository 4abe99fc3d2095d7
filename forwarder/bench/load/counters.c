/* The state of the load, its counters file, and the end of the process when it cannot work. */
#include <fcntl.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"

struct load load;

void load_refuse(const char *sentence, const char *detail)
{
	fprintf(stderr, "%s%s%s\n", sentence, *detail == 0 ? "" : ": ", detail);
	_exit(2);
}

static struct load_file *map_counters(void)
{
	const char *path = getenv("LOAD_COUNTERS");
	int file = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (path != NULL && (file < 0 || ftruncate(file, sizeof(struct load_file)) != 0))
		load_refuse("LOAD_COUNTERS: cannot write", path);
	void *at = mmap(NULL, sizeof(struct load_file), PROT_READ | PROT_WRITE,
	        file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, file, 0);

	if (at == MAP_FAILED)
		load_refuse("LOAD_COUNTERS: cannot map", path == NULL ? "" : path);
	if (file >= 0)
		close(file);
	return at;
}

void load_port_prepare(struct load_port *port, const struct load_settings *settings, struct load_counters *counters,
        uint64_t *histogram)
{
	uint64_t vni = settings->vni;

	port->counters = counters;
	port->histogram = histogram;
	port->settings = settings;
	port->role = (uint8_t)settings->role;
	port->next_harness = UINT64_MAX;
	port->captured = getenv("LOAD_PCAP") == NULL ? LOAD_CAPTURED : 0;
	port->steady = true;
	port->answers = port->role == LOAD_REFLECT;
	port->returns = settings->has_vni;
	port->vni = (uint32_t)vni;
	if (port->role != LOAD_GENERATE)
		return;
	port->answers = settings->protocol == LOAD_TCP;
	port->steady = settings->setup == 0;
	load_source_prepare(&port->source, settings);
}

/* The same port without setup, rate or counters of the program's: what the harness runs. */
static void prepare_shadow(struct load_port *port, uint16_t index)
{
	static struct load_settings settings[LOAD_PORTS];

	settings[index] = load.settings[index];
	settings[index].setup = 0;
	load_port_prepare(port, &settings[index], &load.shadow_counters[index], load.shadow_histogram);
	port->source.interval = 0;
	port->captured = LOAD_CAPTURED;
}

void load_begin(void)
{
	const char *text = getenv("LOAD");
	char reason[256];

	if (!load_settings_parse(text == NULL ? "" : text, load.settings, reason, sizeof(reason)))
		load_refuse(reason, "");
	load.file = map_counters();
	load.hz = rte_get_tsc_hz();
	for (uint16_t i = 0; i < LOAD_PORTS; i++) {
		const struct load_settings *settings = &load.settings[i];

		if (!settings->present)
			continue;
		load.stamped |= settings->role == LOAD_GENERATE && settings->rate != 0;
		load_port_prepare(&load.ports[i], settings, &load.file->ports[i], load.file->histograms[i]);
		load.ports[i].live = true;
		load.ports[i].index = i;
		load.file->header.ports = i + 1;
		prepare_shadow(&load.shadows[i], i);
		load.shadows[i].index = i;
	}
	load.file->header.tsc_hz = load.hz;
	memcpy(load.file->header.magic, "WLOAD001", 8);
}
