/*
 * A virtual machine as the forwarder sees it over a vhost-user socket: the front end's messages and a virtio-net driver
 * with two split rings in shared memory. In the test's own process, so that it can be hostile, and die 200 times a
 * second. One thread per guest.
 */
#ifndef GUEST_H
#define GUEST_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

struct guest;

/** Longest frame in one buffer of a guest. */
#define GUEST_BUFFER 4096u
#define GUEST_RING   256u

#define GUEST_TSO                                                                                                      \
	(1ull << VIRTIO_NET_F_CSUM | 1ull << VIRTIO_NET_F_GUEST_CSUM | 1ull << VIRTIO_NET_F_HOST_TSO4 |                \
	        1ull << VIRTIO_NET_F_HOST_TSO6 | 1ull << VIRTIO_NET_F_GUEST_TSO4 | 1ull << VIRTIO_NET_F_GUEST_TSO6)
#define GUEST_EVENT_INDEX (1ull << 29)

/** Connects to the forwarder's socket; NULL: nobody listens or it hung up. */
struct guest *guest_connect(const char *path);
/** The other way round: makes the socket and waits until the forwarder connects. */
struct guest *guest_listen(const char *path);
/** Negotiates these features (of those offered; VERSION_1 and MRG_RXBUF always), gives memory and rings with 128
 * buffers to receive into. false: the forwarder hung up. */
bool guest_start(struct guest *g, uint64_t features);
/** What was negotiated. */
uint64_t guest_features(const struct guest *g);
/** As a driver that is unloaded: stops the rings, keeps the connection. */
bool guest_stop(struct guest *g);
/** Hangs up and frees. */
void guest_close(struct guest *g);

/** Puts a frame into the ring, in as many descriptors as it needs; kicks if asked to. header NULL: no offload. false:
 * the ring is full. */
bool guest_send(struct guest *g, const struct virtio_net_hdr_v1 *header, const void *frame, uint32_t length);
/** Puts frames of at most GUEST_BUFFER - 12 bytes, each into one descriptor, as many as the ring has room for; kicks at
 * most once. Not beside guest_send. How many. */
uint32_t guest_send_burst(struct guest *g, const uint8_t *const frames[], const uint32_t lengths[], uint32_t count);
/** Puts one chain of `count` descriptors that all name the same `length` bytes at `offset` of guest memory, whatever
 * that is; kicks. */
void guest_send_raw(struct guest *g, uint64_t offset, uint32_t length, uint16_t count);
/** Takes the next frame into out (65,600 bytes) and its header; its length, or -1. */
int guest_receive(struct guest *g, struct virtio_net_hdr_v1 *header, uint8_t *out);
/** Frames that the forwarder took so far. */
uint16_t guest_taken(const struct guest *g);
/** Times that it kicked. */
uint32_t guest_kicks(const struct guest *g);
/** One message of the front end as it is (request number of the protocol, payload); false: hung up. */
bool guest_message(struct guest *g, uint32_t request, const void *payload, uint32_t size);
/** Whether the forwarder still answers. */
bool guest_is_alive(struct guest *g);

#endif
