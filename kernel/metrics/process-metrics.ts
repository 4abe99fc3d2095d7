/** What a process of Weft tells of itself: memory, CPU, event loop, and its calls on the bus. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Caller, Handlers, RefusalCount } from '../bus/index.ts';
import { toWeftError } from '../contract/system/index.ts';

/** Seconds; a call on the bus takes tens of microseconds to five seconds. */
const callBuckets = [0.0002, 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];
const microsecond = 1e-6;
const sampleMs = 1_000;

type BusLabel = 'peer' | 'method';

export class ProcessMetrics {
  readonly registry = new Registry();
  readonly #calls: Counter<BusLabel | 'code'>;
  readonly #callSeconds: Histogram<BusLabel>;
  readonly #requests: Counter<BusLabel | 'code'>;
  readonly #requestSeconds: Histogram<BusLabel>;

  constructor() {
    const registers = [this.registry];
    const labelNames = ['peer', 'method'] as const;
    const counted = [...labelNames, 'code'] as const;
    const help = 'by peer, method and error code ("ok" for none)';
    this.#calls = new Counter({ name: 'weft_bus_calls_total', help: `Calls made on the bus, ${help}`, labelNames: counted, registers });
    this.#requests = new Counter({
      name: 'weft_bus_requests_total',
      help: `Calls answered on the bus, ${help}`,
      labelNames: counted,
      registers,
    });
    this.#callSeconds = new Histogram({
      name: 'weft_bus_call_duration_seconds',
      help: 'Time from call to answer on the bus; streams are not timed',
      labelNames,
      buckets: callBuckets,
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: 'weft_bus_request_duration_seconds',
      help: 'Time that the handler of a call on the bus took; streams are not timed',
      labelNames,
      buckets: callBuckets,
      registers,
    });
  }

  /** Adds what the process itself uses; once, in a real process. */
  watchProcess(): void {
    this.#gauge('weft_process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
    this.#gauge('weft_process_heap_used_bytes', "Memory in use of V8's heap", () => process.memoryUsage().heapUsed);
    const startedAt = Date.now() / 1000 - process.uptime();
    this.#gauge('weft_process_start_time_seconds', 'When the process started, seconds since 1970', () => startedAt);
    new Counter({
      name: 'weft_process_cpu_seconds_total',
      help: 'CPU time of all threads, user and system',
      registers: [this.registry],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) * microsecond);
      },
    });
    this.#watchEventLoop();
  }

  /** Adds what this process's end of the bus refused. */
  watchRefusals(counts: () => readonly RefusalCount[]): void {
    new Counter({
      name: 'weft_bus_refusals_total',
      help: 'What peers were refused on the bus: methods, or malformed, overload, flood …',
      labelNames: ['peer', 'act'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const { peer, act, count } of counts()) this.inc({ peer, act }, count);
      },
    });
  }

  /** The same caller, its calls counted and timed. */
  caller<Remote>(caller: Caller<Remote>, peer: string): Caller<Remote> {
    const observe = this.#observer(this.#calls, this.#callSeconds, peer);
    return {
      get connected() {
        return caller.connected;
      },
      whenConnected: () => caller.whenConnected(),
      call: (method, input, options) => observe(method, () => caller.call(method, input, options)),
      stream: (method, input, options) => {
        this.#calls.inc({ peer, method, code: 'ok' });
        return caller.stream(method, input, options);
      },
    };
  }

  /** The same handlers, what they are asked counted and timed. */
  handlers<Served>(handlers: Handlers<Served>, peer: string): Handlers<Served> {
    type Handler = (input: unknown, context: unknown) => unknown;
    const observe = this.#observer(this.#requests, this.#requestSeconds, peer);
    const observed = Object.entries(handlers as Record<string, Handler>).map(([method, handler]) => [
      method,
      (input: unknown, context: unknown) => observe(method, () => handler(input, context)),
    ]);
    return Object.fromEntries(observed) as Handlers<Served>;
  }

  /** One timer a second: an idle process shall sleep. */
  #watchEventLoop(): void {
    let due = performance.now() + sampleMs;
    let longest = 0;
    setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - due);
      due = now + sampleMs;
    }, sampleMs).unref();
    this.#gauge('weft_process_event_loop_delay_seconds', 'How late the event loop came to a timer at worst, since the last scrape', () => {
      const seconds = Math.max(longest, performance.now() - due, 0) / 1000;
      longest = 0;
      return seconds;
    });
    let former = performance.eventLoopUtilization();
    this.#gauge(
      'weft_process_event_loop_utilization_ratio',
      'Part of the time in which the event loop was busy, since the last scrape',
      () => {
        const now = performance.eventLoopUtilization();
        const { utilization } = performance.eventLoopUtilization(now, former);
        former = now;
        return utilization;
      },
    );
  }

  #observer(count: Counter<BusLabel | 'code'>, seconds: Histogram<BusLabel>, peer: string) {
    const failed = (method: string, thrown: unknown): never => {
      count.inc({ peer, method, code: toWeftError(thrown).code });
      throw thrown;
    };
    return <T>(method: string, work: () => T): T => {
      const started = performance.now();
      const done = <R>(result: R, timed = true): R => {
        count.inc({ peer, method, code: 'ok' });
        if (timed) seconds.observe({ peer, method }, (performance.now() - started) / 1000);
        return result;
      };
      try {
        const result = work();
        if (!(result instanceof Promise)) return done(result, !isStream(result));
        return result.then(done, (thrown: unknown) => failed(method, thrown)) as T;
      } catch (thrown) {
        return failed(method, thrown);
      }
    };
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}

function isStream(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
