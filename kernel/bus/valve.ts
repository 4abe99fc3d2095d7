/**
 * Lets memory out that no one else can see. ZeroMQ keeps the parts of a message until the last one is there, without any bound, and neither its
 * limits nor this program hear of them; closing the socket gives them back. So the process watches what it holds beyond what JavaScript knows of,
 * and when that grows by more than it should, closes and opens sockets one by one, until the memory is back: that one's peer was it. A peer
 * in the midst of a message says nothing else, so those that were heard just now are left alone.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OnRefused } from './refusals.ts';

/** Clients say hello every second. */
const quietMs = 1_500;
const pageBytes = 4_096;

export interface ValveEndpoint {
  readonly heardAt: number;
  readonly onRefused: OnRefused;
}

export interface ValveOptions {
  /** Growth in bytes that is borne. */
  readonly limit: number;
  readonly intervalMs?: number;
  /** Time in which ZeroMQ gives the memory of a closed socket back. */
  readonly releaseMs?: number;
  /** Bytes that the process holds and JavaScript does not know of. */
  readonly measure?: () => number;
}

const lookMs = 50;

export class Valve<T extends ValveEndpoint> {
  readonly #options: Required<ValveOptions>;
  readonly #endpoints: () => readonly T[];
  readonly #reopen: (endpoint: T) => Promise<void>;
  #timer: NodeJS.Timeout;
  #least = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: ValveOptions, endpoints: () => readonly T[], reopen: (endpoint: T) => Promise<void>) {
    this.#options = { intervalMs: 250, releaseMs: 1_000, measure: unseenBytes, ...options };
    this.#endpoints = endpoints;
    this.#reopen = reopen;
    this.#timer = this.#later();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #later(): NodeJS.Timeout {
    return setTimeout(() => void this.#look(), this.#options.intervalMs).unref();
  }

  async #look(): Promise<void> {
    const unseen = this.#options.measure();
    this.#least = Math.min(this.#least, unseen);
    if (unseen - this.#least > this.#options.limit) await this.#release();
    if (!this.#closed) this.#timer = this.#later();
  }

  async #release(): Promise<void> {
    const now = performance.now();
    const quiet = this.#endpoints().filter(({ heardAt }) => now - heardAt > quietMs);
    if (quiet.length === 0) return;
    for (const endpoint of quiet.sort((a, b) => a.heardAt - b.heardAt)) {
      if (this.#closed) return;
      const before = this.#options.measure();
      await this.#reopen(endpoint);
      if (!(await this.#falls(before - this.#options.limit / 2))) continue;
      endpoint.onRefused('endless-message', `the parts of a message that did not end took more than ${this.#options.limit >> 20} MiB`);
      return;
    }
    // It is nobody's message.
    this.#least = this.#options.measure();
  }

  /** Whether memory falls below so many bytes soon. */
  async #falls(bytes: number): Promise<boolean> {
    for (let waited = 0; waited < this.#options.releaseMs && !this.#closed; waited += lookMs) {
      if (this.#options.measure() < bytes) return true;
      await sleep(lookMs);
    }
    return false;
  }
}

function unseenBytes(): number {
  const [, resident = 0, shared = 0] = readFileSync('/proc/self/statm', 'utf8').split(' ').map(Number);
  const { heapTotal, external } = process.memoryUsage();
  return (resident - shared) * pageBytes - heapTotal - external;
}
