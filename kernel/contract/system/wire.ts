/** What travels on a bus channel: one msgpack map per frame. Keys are short because every frame carries them. */
import type { WeftError } from './errors.ts';

export type Frame =
  | { readonly i: number; readonly m: string; readonly p: unknown; readonly d: number } // request: id, method, payload, deadline ms
  | { readonly i: number; readonly r: unknown } // reply
  | { readonly i: number; readonly e: WeftError } // failure; ends a stream, too
  | { readonly i: number; readonly s: unknown } // stream item
  | { readonly i: number; readonly x: true } // end of stream
  | { readonly i: number; readonly c: true } // cancel
  | { readonly i: number; readonly w: number }; // window: the receiver of a stream takes so many more items

/**
 * How two ends of a socket find that they talk to a live process, and to which: each sends its own epoch (random, new at each start and after each
 * loss) and the last one it heard from the other. Frames count only between ends that have heard each other's current epoch.
 */
export interface Hello {
  readonly h: string;
  readonly a: string;
}

/** A method that answers once. */
export interface Unary<In, Out> {
  readonly in: In;
  readonly out: Out;
}
/** A method that answers with a stream. */
export interface Stream<In, Item> {
  readonly in: In;
  readonly item: Item;
}
/** A channel: method name → shape. */
export type Calls = object;

export type UnaryNames<C> = { [K in keyof C]: C[K] extends Unary<infer _I, infer _O> ? K : never }[keyof C] & string;
export type StreamNames<C> = { [K in keyof C]: C[K] extends Stream<infer _I, infer _O> ? K : never }[keyof C] & string;
export type InOf<C, K extends keyof C> = C[K] extends { readonly in: infer I } ? I : never;
export type OutOf<C, K extends keyof C> = C[K] extends Unary<infer _I, infer O> ? O : never;
export type ItemOf<C, K extends keyof C> = C[K] extends Stream<infer _I, infer T> ? T : never;

/** Default deadline of a call, ms. */
export const defaultDeadlineMs = 5_000;
/** Calls in flight per channel and direction; beyond it `BUS_OVERLOADED`. */
export const maxInFlight = 1_024;
/** Items of a stream that may be on their way unread; the receiver grants more with `w` as it reads. */
export const streamWindow = 64;
