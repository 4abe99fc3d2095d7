/** What one port has open, and what became of its requests. */
import type { Socket } from 'node:net';
import { formatKey, keyOf } from '@weft/kernel/contract/system';
import type { Guest } from '../guest.ts';
import type { Policy } from '../policy.ts';
import { Bucket } from './bucket.ts';

export class Account {
  /** uid of the Port: a number may come to another one. */
  readonly uid: string;
  readonly guest: Pick<Guest, 'port' | 'network'>;
  readonly connections = new Set<{ readonly socket: Socket }>();
  readonly bucket: Bucket;
  /** Requests under way or waiting. */
  pending = 0;
  requests = 0;
  refused = 0;
  mode: Policy['mode'] | undefined;
  lastStatus = 0;
  lastError = '';
  lastAt = 0;

  constructor({ port, network }: Guest, rate: number, burst: number, now: number) {
    this.uid = port.metadata.uid;
    this.guest = { port, network };
    this.bucket = new Bucket(rate, burst, now);
  }

  get title(): string {
    return formatKey(keyOf(this.guest.port));
  }

  /** @param error what an operator should know; empty: nothing */
  note(status: number, error: string): void {
    this.lastStatus = status;
    this.lastAt = Date.now();
    if (error !== '') this.lastError = error;
  }
}
