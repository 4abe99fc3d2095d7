/** Serves plugins once packets flow: sockets, the Worker, the launcher's news. */
import { Worker } from 'node:worker_threads';
import { BusServer, Refusals } from '@weft/kernel/bus';
import type { ForwarderCalls } from '@weft/kernel/contract/net';
import { type ForwarderToLauncher, fail, type Handoff, type LauncherToForwarder, toWeftError } from '@weft/kernel/contract/system';
import type { Forwarder } from '../binding/index.ts';
import { capture } from './capture.ts';
import { faultHandlers } from './faults.ts';
import { FlowWatch } from './flow-watch.ts';
import { flowTables } from './flows.ts';
import { startPortWatch, startPunts } from './listen.ts';
import type { Log } from './log.ts';
import { ForwarderMetrics } from './metrics.ts';
import { PeerSockets } from './peers.ts';
import { type FromWorker, Relay, type Wanted } from './relay.ts';
import { type Answers, relayHandlers } from './relay-handlers.ts';
import { ServiceSockets } from './service-sockets.ts';
import type { ForwarderSettings } from './settings.ts';
import { Supervisor } from './supervise.ts';
import type { WorkerData } from './worker.ts';

const reportMs = 10_000;
/** Growth beside JavaScript's own memory that is borne: the Worker's whole heap is that to the main isolate. */
const unseenBytes = 768 * 1024 * 1024;
/** A Worker that needs more is broken; its end leaves the process alone. Batches of rows do not count: they lie outside the heap. */
const workerHeapMib = 256;

/** One Worker at a time, told who is wanted at the moment when it starts. `first`: one serves. */
function superviseWorker(relay: Relay, wanted: () => Wanted | undefined, data: WorkerData, log: Log, onEnd: () => void) {
  const { promise: first, resolve } = Promise.withResolvers<void>();
  const start = (): Worker => {
    const resourceLimits = { maxOldGenerationSizeMb: workerHeapMib };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: data, resourceLimits });
    worker.on('error', (cause) => log.error('the Worker failed', { reason: cause instanceof Error ? cause.stack : String(cause) }));
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'peers-done') resolve();
      else relay.answer(message);
    });
    relay.connect((message) => worker.postMessage(message));
    const news = wanted();
    if (news !== undefined) relay.post({ type: 'peers', ...news });
    return worker;
  };
  const supervisor = new Supervisor(start, (code, pauseMs) => {
    relay.disconnect();
    onEnd();
    log.warn('the Worker ended and is replaced', { code, pauseMs });
  });
  supervisor.run();
  return { supervisor, first };
}

/** Metrics that cannot be read are no reason to stop forwarding. */
async function answerMetrics(metrics: ForwarderMetrics, id: number, log: Log): Promise<void> {
  try {
    process.send?.({ type: 'metrics', id, text: await metrics.text() } satisfies ForwarderToLauncher);
  } catch (thrown) {
    log.warn('metrics cannot be read', { reason: toWeftError(thrown).message });
  }
}

/** Everything that serving needs of the process. */
export interface Serving {
  readonly forwarder: Forwarder;
  readonly handoff: Handoff;
  readonly settings: ForwarderSettings;
  readonly log: Log;
  /** Ends the process; the launcher starts a new one, which takes the state memory over. */
  readonly crash: (cause: unknown) => never;
}

/** Resolves after `ready` was said; goes on until SIGTERM or until the launcher is gone. */
export async function serve({ forwarder, handoff, settings, log, crash }: Serving): Promise<void> {
  /** Undefined until the launcher has told: nothing is taken away before that. */
  let wanted: Wanted | undefined;
  const metrics = new ForwarderMetrics(forwarder);
  metrics.process.watchProcess();
  let peersChanged = (): void => undefined;
  process.on('message', (message: LauncherToForwarder) => {
    if (message.type === 'metrics') void answerMetrics(metrics, message.id, log);
    if (message.type !== 'peers') return;
    wanted = message;
    peersChanged();
  });
  const punts = startPunts(forwarder);
  const watch = startPortWatch(forwarder);
  const flows = new FlowWatch(forwarder);
  const relay = new Relay();
  const { supervisor, first } = superviseWorker(
    relay,
    () => wanted,
    { logLevel: handoff.logLevel, linkTag: handoff.linkTag ?? '' },
    log,
    () => metrics.workerEnded(),
  );
  const refusals = new Refusals({ log: (plugin, act, detail, count) => log.warn('refused', { plugin, act, count, detail }) });
  metrics.process.watchRefusals(() => refusals.counts());
  const onForeignKey = (plugin: string): void =>
    refusals.record(plugin, 'foreign-key', 'somebody without its key tried to open its socket');
  const server = await BusServer.open(handoff.keys, { onForeignKey, unseenBytes });
  const killWorker = () => supervisor.kill();
  const faults = settings.debug.faults ? faultHandlers((ms) => relay.post({ type: 'block', ms }), killWorker) : {};
  const services = new ServiceSockets({
    forwarder,
    onStranger: (plugin) => refusals.record(plugin, 'foreign-key', 'somebody without a ticket tried to take one of its sockets'),
  });
  const writes = (plugin: string, ...rows: readonly string[]): boolean =>
    wanted?.peers[plugin]?.grants.rows.some((granted) => rows.includes(granted)) === true;
  const answers: Answers = {
    ports: watch.ports,
    services,
    capture: (plugin, request, signal) => {
      if (!writes(plugin, 'port'))
        throw fail('FORBIDDEN', `${plugin} may not look at frames`, 'only the plugin that writes rows of table port may');
      return capture(forwarder, request, signal);
    },
    flows: (plugin, request, signal) => {
      if (!writes(plugin, ...flowTables))
        throw fail('FORBIDDEN', `${plugin} may not look at flows`, 'only plugins that write rows of table port or rule may');
      return flows.watch(request, signal);
    },
  };
  const handlers = (plugin: string) =>
    metrics.process.handlers<ForwarderCalls>({ ...relayHandlers(plugin, relay, answers), ...faults }, plugin);
  const sockets = new PeerSockets({ server, forwarder, pump: punts.pump, services, runDir: handoff.runDir, handlers, refusals, log });
  const reporter = setInterval(() => sockets.report(), reportMs);

  let changes = Promise.resolve();
  peersChanged = () => {
    if (wanted === undefined) return;
    // The Worker first: it must know a plugin before that plugin's first call.
    relay.post({ type: 'peers', ...wanted });
    const { peers } = wanted;
    changes = changes.then(() => sockets.set(peers)).catch(crash);
  };
  peersChanged();

  let stopping = false;
  const stop = async (reason: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info('stopping', { reason });
    clearInterval(reporter);
    await changes;
    services.closeAll();
    await server.close();
    await supervisor.stop();
    punts.stop();
    watch.stop();
    flows.stop();
    forwarder.stop();
    process.exit(0);
  };
  for (const reason of ['SIGTERM', 'disconnect']) process.on(reason, () => void stop(reason).catch(crash));

  await first;
  await changes;
  process.send?.({ type: 'ready' } satisfies ForwarderToLauncher);
}
