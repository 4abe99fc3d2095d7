/*
 * Ports on vhost-user sockets, and the VM behind them (guest.h), for the tests of both: one in order, one that is not.
 */
#ifndef VHOST_VM_H
#define VHOST_VM_H

#include "guest.h"
#include "port.h"
#include "tenants.h"
#include "test.h"

/* Bridge 50: 51 is the VM of a socket made here, 52 a port in memory, 53 the VM of a socket made by the VM. */
#define SERVER 51u
#define MEMORY 52u
#define CLIENT 53u

/** A folder of the test's own, and the sockets in it. */
extern char folder[64], server_path[96], client_path[96];
/** A frame on its way to a port, and one that came from it. */
extern uint8_t in[65600], out[65600];

#define EVENTUALLY(condition)                                                                                          \
	do {                                                                                                           \
		uint64_t until_ = now_ms() + 5000;                                                                     \
		while (!(condition) && now_ms() < until_)                                                              \
			poll_once();                                                                                   \
		CHECK(condition);                                                                                      \
	} while (0)

void poll_once(void);
uint64_t now_ms(void);
struct port_report_entry state_of(uint32_t id);
bool is_up(uint32_t id);
bool says(uint32_t id, const char *words);
void make_port(uint32_t id, const char *path, uint32_t flags);
void delete_port(uint32_t id);
uint32_t make_frame(uint8_t to, uint8_t from, uint32_t length);
struct guest *start_guest(uint64_t features);
int receive(struct guest *g, struct virtio_net_hdr_v1 *header);
bool is_readable(uint32_t id);
/** Makes the ports, runs the cases, cleans up. Returns how many failed; a ledger that does not hold is one. */
int vhost_run(const struct test_case *cases, size_t count);

#endif
