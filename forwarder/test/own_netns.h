/* A network namespace of the test's own, so that its ports are free: with or without root rights. */
#ifndef OWN_NETNS_H
#define OWN_NETNS_H

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/** Before there are threads. Ends the program when there can be none. */
static inline void own_netns(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		perror("unshare: the test needs root or user namespaces");
		exit(1);
	}
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) {
		perror("lo");
		exit(1);
	}
	close(fd);
}

#endif
