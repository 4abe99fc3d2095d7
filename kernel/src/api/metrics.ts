/** Prometheus metrics of the kernel: base units, counters end in `_total`. */
import type { FastifyInstance } from 'fastify';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ObjectStore } from '../store/index.ts';
import type { PluginControl } from './plugin-control.ts';
import { residentBytes } from './resident.ts';

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Metrics {
  readonly contentType: string;
  readonly #registry = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #requestSeconds: Histogram<'method' | 'route'>;
  readonly #applySeconds: Histogram;

  constructor(store: ObjectStore, plugins: PluginControl) {
    const registers = [this.#registry];
    this.contentType = this.#registry.contentType;
    this.#requests = new Counter({
      name: 'weft_api_requests_total',
      help: 'Requests answered, by method, route and status',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: 'weft_api_request_duration_seconds',
      help: 'Time from request to answer',
      labelNames: ['method', 'route'],
      buckets,
      registers,
    });
    this.#applySeconds = new Histogram({
      name: 'weft_apply_duration_seconds',
      help: 'Time of an apply in the pipeline: waiting, admission, commit',
      buckets,
      registers,
    });
    this.#gauge('weft_store_revision', 'Last revision of the store', [], (gauge) => gauge.set(store.revision));
    this.#gauge('weft_objects', 'Objects by kind', ['kind'], (gauge) => {
      for (const [kind, count] of Object.entries(store.counts)) gauge.set({ kind }, count);
    });
    this.#gauge('weft_kernel_resident_bytes', 'Resident memory of the kernel process', [], (gauge) =>
      gauge.set(residentBytes(process.pid) ?? 0),
    );
    this.#gauge('weft_plugin_up', '1 when the plugin serves', ['plugin'], (gauge) => {
      for (const { name, state } of plugins.list()) gauge.set({ plugin: name }, state === 'running' ? 1 : 0);
    });
    this.#gauge('weft_plugin_restarts', 'Restarts of the plugin since the launcher started', ['plugin'], (gauge) => {
      for (const { name, restarts } of plugins.list()) gauge.set({ plugin: name }, restarts);
    });
    this.#gauge('weft_plugin_resident_bytes', 'Resident memory of the plugin process', ['plugin'], (gauge) => {
      for (const { name, rssBytes } of plugins.list()) if (rssBytes !== null) gauge.set({ plugin: name }, rssBytes);
    });
  }

  /** Counts and times every answer of the API. */
  observe(app: FastifyInstance): void {
    app.addHook('onResponse', async (request, reply) => {
      const route = request.routeOptions.url ?? 'unknown';
      const { method } = request;
      this.#requests.inc({ method, route, status: String(reply.statusCode) });
      this.#requestSeconds.observe({ method, route }, reply.elapsedTime / 1000);
    });
  }

  async timeApply<T>(work: () => Promise<T>): Promise<T> {
    const stop = this.#applySeconds.startTimer();
    try {
      return await work();
    } finally {
      stop();
    }
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[], read: (gauge: Gauge<Label>) => void): void {
    new Gauge<Label>({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        read(this);
      },
    });
  }
}
