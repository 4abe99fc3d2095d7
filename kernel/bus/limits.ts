/**
 * What one peer may take of a server. A server's peers are plugins, which may be broken or hostile; what they may hold of its memory and time is
 * bounded here, each bound far above what a well-behaved one needs.
 */

const mib = 1024 * 1024;

/** Largest message that a server takes, bytes; a peer that sends more loses its connection before memory is taken. */
export const serverMessageBytes = 64 * mib;
/** Likewise, of a socket of raw frames. */
export const rawMessageBytes = 4 * mib;
/** Largest message that a client takes of its server, bytes. */
export const clientMessageBytes = 256 * mib;
/** Messages that ZeroMQ keeps per socket and direction; then the sender waits. */
export const queuedMessages = 8;
/** Likewise, of a socket of raw frames. */
export const queuedRawFrames = 32;
/** Bytes that wait for a peer that does not read; then it counts as gone. */
export const outboxBytes = 64 * mib;
/** Bytes of the requests that are being answered. */
export const inFlightBytes = 128 * mib;
/** Bytes of a stream that wait unread. */
export const streamBytes = 64 * mib;
/** Streams that a server serves one peer at once. */
export const servedStreams = 64;

/** Deepest nesting of a message. */
export const messageDepth = 64;
/** Most values in a message: 4 bytes of msgpack must not become gigabytes of empty lists. */
export const messageValues = 8_000_000;

/** Part of the server's event loop that a peer may take in the long run. */
export const loopShare = 0.2;
/** What it may take at once before that counts, ms. */
export const loopBurstMs = 500;
/** Longest time that others wait for the loop while a peer's messages are handled one after another, ms. */
export const turnMs = 1;
