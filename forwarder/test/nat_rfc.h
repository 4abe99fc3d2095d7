/*
 * What the tests of the RFCs about address translation share. Each test has the name of the clause that it shows, as
 * forwarder/tools/nat-requirements.ts lists them, and may use the hosts of outside.h: ports 1, 6, 7 (the other tenant)
 * and 8 share the addresses of the pool, ports 2, 3 and 4 have floating ones.
 */
#ifndef NAT_RFC_H
#define NAT_RFC_H

#include <string.h>

#include "outside.h"
#include "tenants.h"
#include "test.h"

#define UPLINK OUTSIDE_UPLINK
#define FAR    "198.19.0.7"

/* From a VM towards an address. */
#define FROM1(to) "eth m1 gw | ip4 10.1.0.11 " to " | "
#define FROM2(to) "eth m2 gw | ip4 10.1.0.12 " to " | "
#define FROM4(to) "eth m4 gw | ip4 10.1.0.12 " to " | "
#define FROM6(to) "eth m6 gw vlan 101 | ip4 10.1.0.13 " to " | "
#define FROM7(to) "eth m7 gw vlan 102 | ip4 10.1.0.13 " to " | "
#define FROM8(to) "eth m8 gw | ip4 10.4.0.11 " to " | "
/* Ports 6 and 7 are VLANs of this one. */
#define TRUNK 5u
/* From outside towards an address as text. */
#define FROM_FAR(from) "eth m99 m40 | ip4 " from " %s | "

static inline bool same_source(const struct seen *a, const struct seen *b)
{
	return strcmp(a->src, b->src) == 0 && a->src_port == b->src_port;
}

/** Translated to an address of the pool. */
static inline bool left_by_pool(const struct seen *seen)
{
	return seen->port == (int)UPLINK &&
	       (strcmp(seen->src, "198.18.0.10") == 0 || strcmp(seen->src, "198.18.0.11") == 0) &&
	       seen->src_port >= 1024;
}

/** Arrived at a port of a VM with its own address and port. */
static inline bool arrived(const struct seen *seen, int port, const char *dst, uint16_t dst_port)
{
	return seen->port == port && strcmp(seen->dst, dst) == 0 && seen->dst_port == dst_port;
}

static inline int nat_rfc_main(const struct test_case *cases, size_t count)
{
	rig_start();
	int failed = test_run(cases, count);
	rig_stop();
	return failed;
}

#define NAT_RFC_MAIN(...)                                                                                              \
	int main(void)                                                                                                 \
	{                                                                                                              \
		static const struct test_case cases[] = {__VA_ARGS__};                                                 \
		return nat_rfc_main(cases, sizeof(cases) / sizeof(cases[0]));                                          \
	}

#endif
