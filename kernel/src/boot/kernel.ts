/** The kernel process: puts its rooms together, and takes them apart again. Started by the launcher with a Handoff on descriptor 3. */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import { type DependencyContainer, type InjectionToken, instanceCachingFactory, container as root } from 'tsyringe';
import { BusServer, type Refusals } from '../../bus/index.ts';
import {
  defaultProject,
  type Handoff,
  type KernelCalls,
  type Limits,
  type PluginCalls,
  plugSockets,
  toWeftError,
} from '../../contract/system/index.ts';
import { ProcessMetrics } from '../../metrics/index.ts';
import { AuditLog, buildApi, listenOnSocket, listenOnTls, peerUid } from '../api/index.ts';
import { Confirmations, Pipeline, systemSubject, tellOrphans } from '../apply/index.ts';
import { armFailpoints, asyncFailpoint, failpoint } from '../failpoints/index.ts';
import { type Registry, readPluginFolders, secretKind } from '../registry/index.ts';
import { Tokens } from '../rights/index.ts';
import { bounded, Control, Enablement, isRefusalAlarm, kernelCallsFor, PluginLinks, refusalAlarm, watchConduct } from '../session/index.ts';
import { isSealed, type ObjectStore } from '../store/index.ts';
import { connectLauncher, type LauncherLink, Supervisor, systemClock } from '../supervisor/index.ts';
import { readHandoff } from './handoff.ts';
import { NetworkListener } from './network-listener.ts';
import { openFileLimit } from './open-files.ts';
import { type Opened, openStore, tellWithdrawn } from './open-store.ts';
import { programDir } from './paths.ts';

/** Host settings that the kernel reads. */
interface KernelSettings {
  readonly pluginDirs?: readonly string[];
  readonly plugins?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly limits?: Readonly<Record<string, Partial<Limits>>>;
  readonly store?: { readonly retention?: number };
  readonly api?: { readonly admins?: readonly number[]; readonly maxWatchers?: number };
  /** Of tests alone: no host setting leads here. */
  readonly debug?: { readonly failpoints?: string };
}

const defaultMaxWatchers = 20_000;
/** Kept free for requests, plugins and files when many watch. */
const otherDescriptors = 1_000;
/** Where audit lines go when nobody handed over a file for them. */
const stdout = 1;
/** A ready plugin answers a ping within this time. */
const pingDeadlineMs = 1_500;

function token<T>(name: string): InjectionToken<T> {
  return Symbol(name) as InjectionToken<T>;
}

const tokens = {
  store: token<ObjectStore>('store'),
  registry: token<Registry>('registry'),
  enablement: token<Enablement>('enablement'),
  links: token<PluginLinks>('links'),
  refusals: token<Refusals>('refusals'),
  pipeline: token<Pipeline>('pipeline'),
  confirmations: token<Confirmations>('confirmations'),
  supervisor: token<Supervisor>('supervisor'),
  control: token<Control>('control'),
  metrics: token<ProcessMetrics>('metrics'),
  api: token<FastifyInstance>('api'),
};

/** Every part once, made when first asked for. */
function compose(handoff: Handoff, launcher: LauncherLink, log: Logger, opened: Opened): DependencyContainer {
  const settings = handoff.settings as KernelSettings;
  const container = root.createChildContainer();
  const provide = <T>(name: InjectionToken<T>, make: (parts: DependencyContainer) => T): void => {
    container.register(name, { useFactory: instanceCachingFactory(make) });
  };
  provide(tokens.store, () => opened.store);
  provide(tokens.registry, () => opened.registry);
  provide(
    tokens.enablement,
    (parts) => new Enablement(parts.resolve(tokens.store), parts.resolve(tokens.registry), settings.plugins ?? {}),
  );
  provide(tokens.links, (parts) => new PluginLinks(parts.resolve(tokens.enablement)));
  provide(
    tokens.pipeline,
    (parts) => new Pipeline(parts.resolve(tokens.store), parts.resolve(tokens.registry), parts.resolve(tokens.links)),
  );
  provide(tokens.confirmations, (parts) => new Confirmations(parts.resolve(tokens.store), parts.resolve(tokens.pipeline)));
  provide(
    tokens.supervisor,
    (parts) =>
      new Supervisor({
        clock: systemClock,
        send: (message) => launcher.send(message),
        ping: (name) => parts.resolve(tokens.links).ping(name, pingDeadlineMs),
        alarm: (name, text) => tellAlarm(parts.resolve(tokens.pipeline), alarmAbout(name), name, text, log),
        onChange: (state) => log.info({ plugin: state.name, phase: state.phase, reason: state.reason }, 'plugin changed'),
      }),
  );
  provide(tokens.refusals, (parts) =>
    watchConduct({
      log,
      alarm: (plugin, text) => tellAlarm(parts.resolve(tokens.pipeline), refusalAlarm(plugin), plugin, text, log),
      fault: (plugin, text) => parts.resolve(tokens.supervisor).fault(plugin, text),
    }),
  );
  provide(tokens.metrics, () => {
    const metrics = new ProcessMetrics();
    metrics.watchProcess();
    return metrics;
  });
  provide(tokens.control, (parts) => {
    const entryOf = (folder: string): string => entryIn(join(folder, 'index.ts'));
    return new Control({
      registry: parts.resolve(tokens.registry),
      enablement: parts.resolve(tokens.enablement),
      links: parts.resolve(tokens.links),
      supervision: parts.resolve(tokens.supervisor),
      refusals: parts.resolve(tokens.refusals),
      entryOf,
      limits: (handoff.settings as KernelSettings).limits ?? {},
      enforcement: handoff.enforcement ?? null,
      tellMissed: (plugin, text) => tellAlarm(parts.resolve(tokens.pipeline), missedAlarm(plugin), plugin, text, log),
      forwarderMetrics: (deadlineMs) => launcher.forwarderMetrics(deadlineMs),
    });
  });
  provide(tokens.api, (parts) =>
    buildApi({
      store: parts.resolve(tokens.store),
      registry: parts.resolve(tokens.registry),
      pipeline: parts.resolve(tokens.pipeline),
      confirmations: parts.resolve(tokens.confirmations),
      tokens: new Tokens(parts.resolve(tokens.store), parts.resolve(tokens.pipeline)),
      plugins: parts.resolve(tokens.control),
      version: programVersion(),
      backup: opened.backup,
      maxWatchers: Math.min(settings.api?.maxWatchers ?? defaultMaxWatchers, openFileLimit() - otherDescriptors),
      audit: AuditLog.onDescriptor(handoff.auditDescriptor ?? stdout),
      logDir: handoff.logDir ?? join(handoff.stateDir, 'log'),
      admins: settings.api?.admins ?? [],
      peerUid,
      process: parts.resolve(tokens.metrics),
      logger: log,
    }),
  );
  return container;
}

/** Relative to the program folder where it lies in it. */
function entryIn(file: string): string {
  const path = relative(programDir, file);
  return path.startsWith('..') || isAbsolute(path) ? file : path;
}

function programVersion(): string {
  return (JSON.parse(readFileSync(join(programDir, 'kernel/package.json'), 'utf8')) as { version: string }).version;
}

function tellAlarm(pipeline: Pipeline, name: string, plugin: string, text: string | null, log: Logger): void {
  const told =
    text === null ? pipeline.clearAlarm(name) : pipeline.setAlarm(name, { severity: 'critical', subject: `plugin ${plugin}`, text });
  told.catch((thrown: unknown) => log.error({ err: thrown, alarm: name, text }, 'an alarm could not be told'));
}

async function serveBus(handoff: Handoff, parts: DependencyContainer, log: Logger): Promise<BusServer> {
  const refusals = parts.resolve(tokens.refusals);
  const onForeignKey = (plugin: string): void =>
    refusals.record(plugin, 'foreign-key', 'somebody without its key tried to open its socket');
  const bus = await BusServer.open(handoff.keys, { onForeignKey });
  const links = parts.resolve(tokens.links);
  const metrics = parts.resolve(tokens.metrics);
  const session = {
    store: parts.resolve(tokens.store),
    registry: parts.resolve(tokens.registry),
    pipeline: parts.resolve(tokens.pipeline),
    links,
    onReady: (plugin: string) => parts.resolve(tokens.supervisor).ready(plugin),
  };
  for (const plugin of session.registry.plugins) {
    if (plugin.problem !== null) {
      log.error({ plugin: plugin.name, problem: plugin.problem }, 'plugin cannot be loaded');
      continue;
    }
    const caller = await bus.channel<KernelCalls, PluginCalls>({
      client: plugin.name,
      path: plugSockets(handoff.runDir, plugin.name).kernel,
      handlers: metrics.handlers(bounded(plugin.name, kernelCallsFor(plugin, session), session.store), plugin.name),
      onDisconnect: () => links.gone(plugin.name),
      onRefused: (act, detail) => refusals.record(plugin.name, act, detail),
    });
    links.attach(plugin.name, metrics.caller(caller, plugin.name));
  }
  return bus;
}

function followLauncher(launcher: LauncherLink, bus: BusServer, parts: DependencyContainer, log: Logger): void {
  launcher.onChildren((children) => {
    failpoint('bus.before-key');
    parts.resolve(tokens.control).children(children);
    const keys = children.filter(({ name }) => parts.resolve(tokens.registry).plugin(name) !== undefined);
    Promise.all(keys.map(({ name, publicKey }) => bus.setKey(name, publicKey)))
      .then(() => parts.resolve(tokens.supervisor).children(children))
      .catch((thrown: unknown) => log.error({ err: thrown }, 'keys of children could not be set'));
  });
}

function alarmAbout(plugin: string): string {
  return `kernel.plugin-${plugin}`;
}

function missedAlarm(plugin: string): string {
  return `kernel.disabled-${plugin}`;
}

/** Of plugins that were taken away: nobody else would clear them, and users may not. */
async function clearForeignAlarms(store: ObjectStore, registry: Registry, pipeline: Pipeline): Promise<void> {
  for (const { metadata } of store.list('Alarm')) {
    if (isRefusalAlarm(metadata.name)) await pipeline.clearAlarm(metadata.name);
    const prefix = [alarmAbout(''), missedAlarm('')].find((each) => metadata.name.startsWith(each));
    const plugin = prefix === undefined ? metadata.name.split('.')[0] : metadata.name.slice(prefix.length);
    if (plugin !== 'kernel' && registry.plugin(plugin ?? '') === undefined) await pipeline.clearAlarm(metadata.name);
  }
}

/** Sealed with a key that is not here: the control plane lives on, whoever needs them cannot. */
async function tellSealed(store: ObjectStore, pipeline: Pipeline): Promise<void> {
  const name = 'kernel.secrets';
  const lost = store.list(secretKind.kind).filter(isSealed);
  if (lost.length === 0) return await pipeline.clearAlarm(name);
  const text = `${lost.length} secrets cannot be opened: bring back the secret.key of this state directory and restart, or write them anew`;
  await pipeline.setAlarm(name, { severity: 'critical', subject: 'secrets', text });
}

async function makeDefaultProject(pipeline: Pipeline): Promise<void> {
  const key = { kind: 'Project', name: defaultProject };
  const wanted = { key, spec: {}, labels: {}, shared: false };
  await pipeline.createIfMissing(wanted, systemSubject);
}

function open(handoff: Handoff, log: Logger, onBroken: (thrown: unknown) => void): Promise<Opened> {
  const { pluginDirs = [], store } = handoff.settings as KernelSettings;
  return openStore({
    handoff,
    plugins: readPluginFolders(pluginDirs.length === 0 ? [join(programDir, 'plugins')] : pluginDirs),
    retention: store?.retention,
    program: programVersion(),
    say: (line) => log.warn(line),
    onBroken,
  });
}

async function openToNetwork(
  { tls }: Handoff,
  api: FastifyInstance,
  pipeline: Pipeline,
  log: Logger,
): Promise<NetworkListener | undefined> {
  const name = 'kernel.api-network';
  if (tls === undefined) {
    await pipeline.clearAlarm(name);
    return undefined;
  }
  const alarm = (text: string | null): Promise<unknown> =>
    text === null ? pipeline.clearAlarm(name) : pipeline.setAlarm(name, { severity: 'critical', subject: 'API on the network', text });
  const listener = new NetworkListener({
    listen: () => listenOnTls(api, tls),
    alarm: async (text) => {
      if (text !== null) log.error(text);
      await alarm(text).catch((thrown: unknown) => log.error({ err: thrown, alarm: name }, 'an alarm could not be told'));
    },
  });
  await listener.open();
  return listener;
}

async function main(): Promise<void> {
  const handoff = readHandoff();
  const lines = pino.destination({ dest: 1, sync: true });
  // a full disk takes no line, and that is no reason to end
  lines.on('error', () => undefined);
  const log = pino({ name: handoff.name, level: handoff.logLevel }, lines);
  let end = (): void => process.exit(1);
  const die = (thrown: unknown): void => {
    const { message, fix } = toWeftError(thrown);
    log.fatal({ err: thrown }, fix === undefined ? message : `${message}: ${fix}`);
    end();
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  armFailpoints((handoff.settings as KernelSettings).debug?.failpoints ?? '');
  const launcher = connectLauncher();
  const opened = await open(handoff, log, die);
  // an exit asks LMDB, which in the middle of a write may never answer
  end = () => void process.kill(process.pid, 'SIGKILL');
  const parts = compose(handoff, launcher, log, opened);
  await makeDefaultProject(parts.resolve(tokens.pipeline));
  await clearForeignAlarms(parts.resolve(tokens.store), parts.resolve(tokens.registry), parts.resolve(tokens.pipeline));
  await tellSealed(parts.resolve(tokens.store), parts.resolve(tokens.pipeline));
  await tellWithdrawn(opened, parts.resolve(tokens.pipeline));
  await parts.resolve(tokens.pipeline).releaseForsaken();
  await tellOrphans(opened.store, opened.registry, parts.resolve(tokens.pipeline));
  await asyncFailpoint('boot.before-serve');
  const bus = await serveBus(handoff, parts, log);
  followLauncher(launcher, bus, parts, log);
  parts.resolve(tokens.control).want();
  parts.resolve(tokens.confirmations).watch();
  const api = parts.resolve(tokens.api);
  await listenOnSocket(api, handoff.apiSocket ?? join(handoff.runDir, 'api.sock'));
  const network = await openToNetwork(handoff, api, parts.resolve(tokens.pipeline), log);
  await asyncFailpoint('boot.before-ready');
  launcher.send({ type: 'ready' });
  log.info({ revision: parts.resolve(tokens.store).revision }, 'ready');

  let stopping = false;
  const stop = async (why: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ why }, 'stopping');
    parts.resolve(tokens.supervisor).close();
    parts.resolve(tokens.confirmations).close();
    network?.close();
    await api.close();
    await bus.close();
    await parts.resolve(tokens.pipeline).idle();
    await parts.resolve(tokens.store).close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal).catch(die));
  process.on('disconnect', () => void stop('the launcher is gone').catch(die));
}

await main();
