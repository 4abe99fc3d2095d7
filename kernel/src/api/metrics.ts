/** Prometheus metrics of the kernel, and those of all processes as one text. */
import type { FastifyInstance } from 'fastify';
import { toWeftError } from '../../contract/system/index.ts';
import {
  Counter,
  type Family,
  Gauge,
  Histogram,
  joinFamilies,
  type MetricSpec,
  ProcessMetrics,
  parseExposition,
} from '../../metrics/index.ts';
import type { ObjectStore } from '../store/index.ts';
import type { MetricsSource, PluginControl } from './plugin-control.ts';

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** What a process may take to tell its metrics; then it is left out. */
const scrapeMs = 1_000;

type Control = Pick<PluginControl, 'list' | 'forwarder' | 'metricsSources' | 'refusals'>;

export interface MetricsParts {
  /** Of the kernel's own process; has what its ends of the bus count. */
  readonly process?: ProcessMetrics;
  readonly store: Pick<ObjectStore, 'revision' | 'counts' | 'list'>;
  readonly plugins: Control;
  /** Hears, once for each process, of what it says and is left out. */
  readonly onProblem?: (problem: string) => void;
}

/** Made of what comes of asking the processes. */
export const scrapeUp: MetricSpec = {
  name: 'weft_scrape_up',
  help: '1 when the process told its metrics in time',
  type: 'gauge',
  labelNames: [],
};

interface Scrape {
  readonly process: string;
  /** Null: it did not answer, or nothing that can be read. */
  readonly families: readonly Family[] | null;
}

export class Metrics {
  readonly contentType: string;
  readonly process: ProcessMetrics;
  readonly #plugins: Control;
  readonly #onProblem: (problem: string) => void;
  readonly #told = new Set<string>();
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #requestSeconds: Histogram<'method' | 'route'>;
  readonly #applySeconds: Histogram;
  #running: Promise<string> | null = null;

  constructor({ process = new ProcessMetrics(), store, plugins, onProblem = () => undefined }: MetricsParts) {
    this.process = process;
    this.#plugins = plugins;
    this.#onProblem = onProblem;
    const registers = [process.registry];
    this.contentType = process.registry.contentType;
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
    this.#watchStore(store);
    this.#watchProcesses();
    process.watchRefusals(() => plugins.refusals().map(({ plugin, ...refusal }) => ({ peer: plugin, ...refusal })));
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

  /** Of all processes, within a second or so; those who ask at the same time get the same answer. */
  text(): Promise<string> {
    this.#running ??= this.#scrapeAll().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #scrapeAll(): Promise<string> {
    const [own, ...others] = await Promise.all([
      this.process.registry.metrics().then((text) => ({ process: 'kernel', families: parseExposition(text, 'kernel') })),
      ...this.#plugins.metricsSources().map((source) => this.#scrape(source)),
    ]);
    const answered = others.flatMap(({ process, families }) => (families === null ? [] : [{ process, families }]));
    const up: Family = {
      ...scrapeUp,
      samples: [own, ...others].map(({ process, families }) => `${scrapeUp.name}{process="${process}"} ${families === null ? 0 : 1}`),
    };
    const { text, refused } = joinFamilies([{ process: 'kernel', families: [...own.families, up] }, ...answered]);
    for (const { process, family } of refused)
      this.#tell(process, `${process} says another type of ${family} than others do: its samples are left out`);
    return text;
  }

  async #scrape({ process, read }: MetricsSource): Promise<Scrape> {
    try {
      const families = parseExposition(await read(scrapeMs), process);
      if (families.some(({ name }) => name === scrapeUp.name)) throw new Error(`${scrapeUp.name} is the kernel's to tell`);
      return { process, families };
    } catch (thrown) {
      // what does not serve is known by its state; what answers wrongly is news
      const { code, message } = toWeftError(thrown);
      if (code === 'INTERNAL') this.#tell(process, `the metrics of ${process} are left out: ${message}`);
      return { process, families: null };
    }
  }

  /** Not each problem: a process that says something new each time would fill the log. */
  #tell(process: string, problem: string): void {
    if (this.#told.has(process)) return;
    this.#told.add(process);
    this.#onProblem(problem);
  }

  #watchStore(store: MetricsParts['store']): void {
    this.#gauge('weft_store_revision', 'Last revision of the store', [], (gauge) => gauge.set(store.revision));
    this.#gauge('weft_objects', 'Objects by kind', ['kind'], (gauge) => {
      for (const [kind, count] of Object.entries(store.counts)) gauge.set({ kind }, count);
    });
    this.#gauge('weft_alarms', 'Alarms that are raised, by severity', ['severity'], (gauge) => {
      for (const severity of ['warning', 'critical']) gauge.set({ severity }, 0);
      for (const { status } of store.list('Alarm')) gauge.inc({ severity: String(status.severity) });
    });
  }

  #watchProcesses(): void {
    const plugins = this.#plugins;
    const restarts = 'Ends that nobody asked for, since the launcher started';
    this.#gauge('weft_plugin_up', '1 when the plugin serves', ['plugin'], (gauge) => {
      for (const { name, state } of plugins.list()) gauge.set({ plugin: name }, state === 'running' ? 1 : 0);
    });
    this.#gauge(
      'weft_plugin_resident_bytes',
      'Resident memory of the process of the plugin, as the kernel sees it',
      ['plugin'],
      (gauge) => {
        for (const { name, rssBytes } of plugins.list()) if (rssBytes !== null) gauge.set({ plugin: name }, rssBytes);
      },
    );
    this.#counter('weft_plugin_restarts_total', `${restarts}, of the process of the plugin`, ['plugin'], (counter) => {
      for (const { name, restarts: count } of plugins.list()) counter.inc({ plugin: name }, count);
    });
    this.#gauge('weft_forwarder_up', '1 when the forwarder runs', [], (gauge) =>
      gauge.set(plugins.forwarder().state === 'running' ? 1 : 0),
    );
    this.#counter('weft_forwarder_restarts_total', `${restarts}, of the forwarder`, [], (counter) =>
      counter.inc(plugins.forwarder().restarts),
    );
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[], read: (gauge: Gauge<Label>) => void): void {
    new Gauge<Label>({
      name,
      help,
      labelNames,
      registers: [this.process.registry],
      collect() {
        this.reset();
        read(this);
      },
    });
  }

  /** One that is counted elsewhere. */
  #counter<Label extends string>(name: string, help: string, labelNames: Label[], read: (counter: Counter<Label>) => void): void {
    new Counter<Label>({
      name,
      help,
      labelNames,
      registers: [this.process.registry],
      collect() {
        this.reset();
        read(this);
      },
    });
  }
}
