/** What a plugin exchanges with the forwarder, as metrics. */
import { Counter, type Registry } from '../metrics/index.ts';

export class Traffic {
  readonly #rows: Counter;
  readonly #punts: Counter<'class'>;
  readonly #injected: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#rows = new Counter({
      name: 'weft_plugin_rows_sent_total',
      help: 'Rows sent to the forwarder, new, changed or removed',
      registers,
    });
    this.#punts = new Counter({
      name: 'weft_plugin_punted_frames_total',
      help: 'Frames that the forwarder handed to the plugin, by punt class',
      labelNames: ['class'],
      registers,
    });
    this.#injected = new Counter({
      name: 'weft_plugin_injected_frames_total',
      help: 'Frames that the plugin sent out of ports',
      registers,
    });
  }

  /** Rows went to the forwarder. */
  sent(rows: number): void {
    this.#rows.inc(rows);
  }

  punted(puntClass: string, frames: number): void {
    this.#punts.inc({ class: puntClass }, frames);
  }

  injected(frames: number): void {
    this.#injected.inc(frames);
  }
}
