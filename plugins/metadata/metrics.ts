/** What became of requests, for Prometheus. */
import { Counter, Gauge, type Registry } from '@weft/kernel/sdk';
import type { Tally } from './http/tally.ts';

export interface Source {
  readonly tally: Pick<Tally, 'refusals' | 'responses'>;
  readonly connections: number;
  readonly cachedBytes: number;
}

export function metadataMetrics(registry: Registry, source?: () => Source): void {
  const registers = [registry];
  new Counter({
    name: 'weft_metadata_responses_total',
    help: 'Answers by the mode of the network and the class of their status',
    labelNames: ['mode', 'status'],
    registers,
    collect() {
      this.reset();
      for (const [key, count] of source?.().tally.responses ?? []) {
        const [mode = '', status = ''] = key.split(' ');
        this.inc({ mode, status }, count);
      }
    },
  });
  new Counter({
    name: 'weft_metadata_refusals_total',
    help: 'Requests and connections that were not served, by reason',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of source?.().tally.refusals ?? []) this.inc({ reason }, count);
    },
  });
  new Gauge({
    name: 'weft_metadata_connections',
    help: 'Connections of VMs that are open',
    registers,
    collect() {
      this.set(source?.().connections ?? 0);
    },
  });
  new Gauge({
    name: 'weft_metadata_cached_bytes',
    help: 'Answers that are kept ready, about',
    registers,
    collect() {
      this.set(source?.().cachedBytes ?? 0);
    },
  });
}
