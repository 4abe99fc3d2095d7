/** How much of the pools is in use, and what went into the block log, for Prometheus. */
import type { NatAddressStats } from '@weft/kernel/contract/net';
import { Counter, Gauge, type Registry } from '@weft/kernel/sdk';

/** Of one address, with the PROJECT/NAME of its pool. */
export type AddressUse = NatAddressStats & { readonly poolName: string };

export interface Counted {
  readonly addresses: readonly AddressUse[];
  readonly rows: number;
  readonly events: { readonly told: number; readonly lost: number };
}

const nothing: Counted = { addresses: [], rows: 0, events: { told: 0, lost: 0 } };

export function snatMetrics(registry: Registry, counted: () => Counted = () => nothing): void {
  const registers = [registry];
  const ofPools = (name: string, help: string, value: (use: AddressUse) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['pool'],
      registers,
      collect() {
        this.reset();
        for (const use of counted().addresses) this.inc({ pool: use.poolName }, value(use));
      },
    });
  const counter = (name: string, help: string, value: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  ofPools('weft_snat_ports', 'Outside ports that may be given out, of all addresses of a pool', ({ ports }) => ports);
  ofPools('weft_snat_blocked_ports', 'Outside ports in blocks that belong to ports of VMs', ({ blocked }) => blocked);
  new Gauge({
    name: 'weft_snat_used_ports',
    help: 'Outside ports in use, the wait before they are used anew included',
    labelNames: ['pool', 'protocol'],
    registers,
    collect() {
      this.reset();
      for (const { poolName: pool, ...use } of counted().addresses)
        for (const protocol of ['tcp', 'udp', 'icmp'] as const) this.inc({ pool, protocol }, use[protocol]);
    },
  });
  new Counter({
    name: 'weft_snat_exhausted_total',
    help: 'New flows that found no outside port',
    labelNames: ['pool'],
    registers,
    collect() {
      this.reset();
      for (const { poolName: pool, exhausted } of counted().addresses) this.inc({ pool }, exhausted);
    },
  });
  new Gauge({
    name: 'weft_snat_rows',
    help: 'Rows of this plugin in the forwarder',
    registers,
    collect() {
      this.set(counted().rows);
    },
  });
  counter('weft_snat_log_events_total', 'Events of blocks that were written into the block log', () => counted().events.told);
  counter('weft_snat_log_lost_total', 'Events of blocks that the forwarder no longer had when it was asked', () => counted().events.lost);
}
