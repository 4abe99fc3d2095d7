/* The table as the kernel has it, asked without nft, which would read all that is in it. */
#include "uplink_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* Room for a request, and for what is told of one table. */
#define MESSAGE_SIZE 1024

static int on_table(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute;
	uint64_t *handle = data;

	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attribute) == NFTA_TABLE_HANDLE &&
		        mnl_attr_validate(attribute, MNL_TYPE_U64) == 0)
			*handle = be64toh(mnl_attr_get_u64(attribute));
	}
	return MNL_CB_STOP;
}

static int ask(struct mnl_socket *nl, const char *name, uint64_t *handle)
{
	char buffer[MESSAGE_SIZE];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE;
	message->nlmsg_flags = NLM_F_REQUEST;
	struct nfgenmsg *family = mnl_nlmsg_put_extra_header(message, sizeof(*family));
	family->nfgen_family = 1; /* NFPROTO_INET */
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, name);
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(nl, message, message->nlmsg_len) < 0)
		return -errno;
	ssize_t length = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
	if (length < 0 || mnl_cb_run(buffer, (size_t)length, 0, mnl_socket_get_portid(nl), on_table, handle) < 0)
		return -errno;
	return 0;
}

int uplink_filter_handle(const char *tag, uint64_t *handle)
{
	char name[32];
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	*handle = 0;
	if (nl == NULL)
		return -errno;
	snprintf(name, sizeof(name), "weft_%s", tag);
	int result = ask(nl, name, handle);
	mnl_socket_close(nl);
	return result == -ENOENT ? 0 : result;
}
