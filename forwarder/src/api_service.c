/* The public calls for sockets of plugins. See include/forwarder.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "error.h"
#include "forwarder.h"
#include "life.h"
#include "service_socket.h"

static int32_t refused(int32_t result, const char *address, uint32_t l4_port)
{
	switch (result) {
	case -ENOENT:
		return error_set(FWD_ERR_STATE, "the service port is not there yet");
	case -EADDRINUSE:
		return error_set(
		        FWD_ERR_TAKEN, "L4 port %u%s%s is taken already", l4_port, *address ? " of " : "", address);
	default:
		return result < 0 ? error_set(FWD_ERR_SYSTEM, "%s", strerror(-result)) : result;
	}
}

/* False: it names no socket that there may be. */
static bool read_wish(struct service_socket_wish *wish, const char *address)
{
	if (wish->protocol == IPPROTO_TCP)
		return *address == 0;
	if (wish->protocol != IPPROTO_UDP)
		return false;
	wish->family = strchr(address, ':') == NULL ? 4 : 6;
	return inet_pton(wish->family == 4 ? AF_INET : AF_INET6, address, wish->address) == 1;
}

int32_t fwd_service_socket(uint32_t owner, uint32_t protocol, uint32_t l4_port, const char *address)
{
	struct service_socket_wish wish = {.owner = owner, .protocol = (uint8_t)protocol, .l4_port = (uint16_t)l4_port};
	if (l4_port == 0 || l4_port > UINT16_MAX)
		return bad_argument("l4_port: give 1 to 65535");
	if (!address || protocol > UINT8_MAX || !read_wish(&wish, address))
		return bad_argument("give protocol 6 (TCP) and no address, or 17 (UDP) and one address");
	if (!life_enter())
		return not_running();
	int32_t result = refused(service_socket_open(&wish), address, l4_port);
	life_leave();
	return result;
}

int32_t fwd_service_hand(uint32_t connection, uint32_t descriptor)
{
	int result = service_socket_hand((int)connection, (int)descriptor);
	return result == 0 ? 0 : error_set(FWD_ERR_SYSTEM, "%s", strerror(-result));
}

uint64_t fwd_service_namespace(uint32_t owner)
{
	if (!life_enter())
		return 0;
	uint64_t number = service_socket_namespace(owner);
	life_leave();
	return number;
}
