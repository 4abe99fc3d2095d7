/** The load device as the rates ask for it; the words stand in load/README.md. */
import { join } from 'node:path';
import { readCounters } from '../packets/counters.ts';
import { buildFolder } from '../packets/load.ts';

/** What is preloaded into a process whose devices it plays. */
export const loadLibrary = join(buildFolder, 'load.so');

/** Routed frames to 1,000 networks come in at port 0; port 1 swallows what it is sent. `rate`: per second, 0: as fast as they are taken. */
export const routedLoad = (rate = 0): string => `0:role=generate,flows=1000,rate=${rate};1:role=sink`;
/** Nothing comes in. */
export const silentLoad = '0:role=sink;1:role=sink';

/** Frames that the program gave to the load's port 1 so far. */
export function framesSunk(file: string): number {
  return readCounters(file)?.ports[1]?.sent ?? 0;
}
