/* LOAD_PCAP: the first frames that the program gave, as a classic pcap file with microseconds. */
#include <pthread.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "load.h"

enum { MOST_BYTES = 2048 };

static FILE *open_capture(void)
{
	static const uint32_t header[] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, MOST_BYTES, 1};
	const char *path = getenv("LOAD_PCAP");
	FILE *file = path == NULL ? NULL : fopen(path, "we");

	if (file == NULL || fwrite(header, sizeof(header), 1, file) != 1)
		load_refuse("LOAD_PCAP: cannot write", path == NULL ? "no file" : path);
	return file;
}

void load_capture(const struct rte_mbuf *packet)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static FILE *file;
	uint8_t copy[MOST_BYTES];
	uint32_t bytes = RTE_MIN(packet->pkt_len, (uint32_t)MOST_BYTES);
	const void *data = rte_pktmbuf_read(packet, 0, bytes, copy);
	struct timeval now;

	pthread_mutex_lock(&lock);
	if (file == NULL)
		file = open_capture();
	gettimeofday(&now, NULL);
	uint32_t header[] = {(uint32_t)now.tv_sec, (uint32_t)now.tv_usec, bytes, packet->pkt_len};

	if (data == NULL || fwrite(header, sizeof(header), 1, file) != 1 || fwrite(data, bytes, 1, file) != 1 ||
	        fflush(file) != 0)
		load_refuse("LOAD_PCAP: cannot write a frame", "");
	pthread_mutex_unlock(&lock);
}
