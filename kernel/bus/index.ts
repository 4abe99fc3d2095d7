/** Remote calls between Weft's processes. Nothing else imports zeromq or msgpackr. */
export { Budget } from './budget.ts';
export type { Caller, CallOptions } from './channel.ts';
export { type BusClient, type ConnectOptions, type ConnectTarget, connect, connectRaw } from './client.ts';
export { decode, encode } from './codec.ts';
export { fromZ85, newKeyPair, toZ85 } from './keys.ts';
export { type MemoryEnd, type MemoryPair, memoryPair } from './memory.ts';
export type { RawSocket } from './raw.ts';
export { type OnRefused, type RefusalCount, Refusals, refusalWindowMs } from './refusals.ts';
export { BusServer, type BusServerOptions, type ServeOptions, type ServeRawOptions } from './server.ts';
export type { CallContext, Handlers } from './serving.ts';
