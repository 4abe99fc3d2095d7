/*
 * Keeps files open beyond the end of this process, however it ends; the kernel then closes them in a thread of its own.
 * Without, a process that is killed with hundreds of packet sockets is dead, and can be followed by another, only after
 * a grace period of 10 ms for each. The means is the file table of an io_uring that is never used for I/O.
 */
#ifndef FORWARDER_KEEPER_H
#define FORWARDER_KEEPER_H

#include <stdint.h>

/**
 * For descriptors below `room` and RLIMIT_NOFILE; those above are not kept. -errno: the kernel has no io_uring for us
 * (before Linux 5.19, or kernel.io_uring_disabled); keeping is then no more than a word. Before and after all threads
 * that use it.
 */
int keeper_start(uint32_t room);
void keeper_stop(void);
/** The file of `fd` stays open until keeper_release, also when the descriptor is closed. Any thread. */
void keeper_keep(int fd);
/** To be called before the descriptor is closed: its number may then be another file's. Any thread. */
void keeper_release(int fd);

#endif
