/** What is known of one upstream: whether it answers, how fast, and what it does not understand. */
import type { Upstream } from './upstream.ts';

/**
 * `suspect`: some questions in a row went unanswered, a probe is under way; `down`: so did the probe. Both are passed over as long as others are not.
 * Errors such as SERVFAIL are answers: a VM can provoke them, and must not take an upstream away from others.
 */
export type HealthState = 'unknown' | 'up' | 'suspect' | 'down';

/** How long what an upstream did not understand is remembered. */
const rememberMs = 3_600_000;
const tcpOnlyMs = 600_000;
/** Weight of a new round-trip time (RFC 6298 §2: α). */
const smoothing = 1 / 8;

export class Health {
  readonly upstream: Upstream;
  state: HealthState = 'unknown';
  /** Smoothed time from question to answer. */
  rttMs: number | undefined;
  sent = 0;
  failures = 0;
  truncated = 0;
  /** Questions sent over TCP. */
  tcp = 0;
  lastError = '';
  usedAt = 0;
  /** Unanswered questions in a row. */
  silent = 0;
  #plainUntil = 0;
  #anyCaseUntil = 0;
  #tcpUntil = 0;

  constructor(upstream: Upstream) {
    this.upstream = upstream;
  }

  get usable(): boolean {
    return this.state === 'up' || this.state === 'unknown';
  }

  answered(ms: number): void {
    this.rttMs = this.rttMs === undefined ? ms : this.rttMs + (ms - this.rttMs) * smoothing;
  }

  /** How questions go to it now. */
  manner(now: number): { readonly tcp: boolean; readonly edns: boolean; readonly mixCase: boolean } {
    return { tcp: now < this.#tcpUntil, edns: now >= this.#plainUntil, mixCase: now >= this.#anyCaseUntil };
  }

  lacksEdns(now: number): void {
    this.#plainUntil = now + rememberMs;
  }

  losesCase(now: number): void {
    this.#anyCaseUntil = now + rememberMs;
  }

  answersTcpOnly(now: number): void {
    this.#tcpUntil = now + tcpOnlyMs;
  }
}
