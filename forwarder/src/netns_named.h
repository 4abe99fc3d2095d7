/*
 * Namespaces of our own, with a name below /run/netns, as `ip netns` makes them: they stay when every process is gone.
 * Link thread only.
 */
#ifndef FORWARDER_NETNS_NAMED_H
#define FORWARDER_NETNS_NAMED_H

/** Makes the namespace unless there is one with this name. A file of the name that is none is replaced: a run that was
 * cut off left it. 0 or -errno. */
int netns_make(const char *name);
/** Takes the name away; the namespace goes with the last socket in it. Fine when there is none. */
void netns_remove(const char *name);

#endif
