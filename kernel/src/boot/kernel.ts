/** The kernel process: puts its rooms together, and takes them apart again. Started by the launcher with a Handoff on descriptor 3. */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import { type DependencyContainer, type InjectionToken, instanceCachingFactory, container as root } from 'tsyringe';
import { BusServer } from '../../bus/index.ts';
import { defaultProject, type Handoff, type KernelCalls, type PluginCalls, toWeftError } from '../../contract/system/index.ts';
import { buildApi, listenOnSocket, listenOnTls, peerUid } from '../api/index.ts';
import { Confirmations, Pipeline, systemSubject } from '../apply/index.ts';
import { Registry, readPluginFolders, secretKind } from '../registry/index.ts';
import { Tokens } from '../rights/index.ts';
import { Control, Enablement, kernelCallsFor, PluginLinks } from '../session/index.ts';
import { isSealed, ObjectStore, Sealer } from '../store/index.ts';
import { connectLauncher, type LauncherLink, Supervisor, systemClock } from '../supervisor/index.ts';
import { readHandoff } from './handoff.ts';
import { programDir } from './paths.ts';

/** Host settings that the kernel reads. */
interface KernelSettings {
  readonly pluginDirs?: readonly string[];
  readonly plugins?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly store?: { readonly retention?: number };
  readonly api?: { readonly admins?: readonly number[] };
}

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
  pipeline: token<Pipeline>('pipeline'),
  confirmations: token<Confirmations>('confirmations'),
  supervisor: token<Supervisor>('supervisor'),
  control: token<Control>('control'),
  api: token<FastifyInstance>('api'),
};

/** Every part once, made when first asked for. */
function compose(handoff: Handoff, launcher: LauncherLink, log: Logger): DependencyContainer {
  const settings = handoff.settings as KernelSettings;
  const container = root.createChildContainer();
  const provide = <T>(name: InjectionToken<T>, make: (parts: DependencyContainer) => T): void => {
    container.register(name, { useFactory: instanceCachingFactory(make) });
  };
  provide(tokens.store, () => {
    const retention = settings.store?.retention;
    const key = handoff.secretKey;
    return new ObjectStore({
      path: handoff.stateDir,
      ...(retention === undefined ? {} : { retention }),
      ...(key === undefined ? {} : { sealer: new Sealer([secretKind.kind], Buffer.from(key, 'base64')) }),
    });
  });
  provide(tokens.registry, () => {
    const dirs = settings.pluginDirs ?? [];
    return new Registry(readPluginFolders(dirs.length === 0 ? [join(programDir, 'plugins')] : dirs));
  });
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
        alarm: (name, text) => tellAlarm(parts.resolve(tokens.pipeline), name, text, log),
        onChange: (state) => log.info({ plugin: state.name, phase: state.phase, reason: state.reason }, 'plugin changed'),
      }),
  );
  provide(tokens.control, (parts) => {
    const entryOf = (folder: string): string => entryIn(join(folder, 'index.ts'));
    return new Control({
      registry: parts.resolve(tokens.registry),
      enablement: parts.resolve(tokens.enablement),
      links: parts.resolve(tokens.links),
      supervision: parts.resolve(tokens.supervisor),
      entryOf,
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
      logDir: handoff.logDir ?? join(handoff.stateDir, 'log'),
      admins: settings.api?.admins ?? [],
      peerUid,
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

function tellAlarm(pipeline: Pipeline, plugin: string, text: string | null, log: Logger): void {
  const name = alarmAbout(plugin);
  const told =
    text === null ? pipeline.clearAlarm(name) : pipeline.setAlarm(name, { severity: 'critical', subject: `plugin ${plugin}`, text });
  told.catch((thrown: unknown) => log.error({ err: thrown, alarm: name, text }, 'an alarm could not be told'));
}

async function serveBus(handoff: Handoff, parts: DependencyContainer, log: Logger): Promise<BusServer> {
  const bus = await BusServer.open(handoff.keys);
  const links = parts.resolve(tokens.links);
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
      path: join(handoff.runDir, 'kernel', `${plugin.name}.sock`),
      handlers: kernelCallsFor(plugin, session),
      onDisconnect: () => links.gone(plugin.name),
      onMalformed: (reason) => log.warn({ plugin: plugin.name, reason }, 'malformed message dropped'),
    });
    links.attach(plugin.name, caller);
  }
  return bus;
}

function followLauncher(launcher: LauncherLink, bus: BusServer, parts: DependencyContainer, log: Logger): void {
  launcher.onChildren((children) => {
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

/** Of plugins that were taken away: nobody else would clear them, and users may not. */
async function clearForeignAlarms(store: ObjectStore, registry: Registry, pipeline: Pipeline): Promise<void> {
  for (const { metadata } of store.list('Alarm')) {
    const plugin = metadata.name.startsWith(alarmAbout('')) ? metadata.name.slice(alarmAbout('').length) : metadata.name.split('.')[0];
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

async function main(): Promise<void> {
  const handoff = readHandoff();
  const log = pino({ name: handoff.name, level: handoff.logLevel }, pino.destination({ dest: 1, sync: true }));
  const die = (thrown: unknown): void => {
    const { message, fix } = toWeftError(thrown);
    log.fatal({ err: thrown }, fix === undefined ? message : `${message}: ${fix}`);
    process.exit(1);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  const launcher = connectLauncher() ?? { send: () => undefined, onChildren: () => undefined };
  const parts = compose(handoff, launcher, log);
  await makeDefaultProject(parts.resolve(tokens.pipeline));
  await clearForeignAlarms(parts.resolve(tokens.store), parts.resolve(tokens.registry), parts.resolve(tokens.pipeline));
  await tellSealed(parts.resolve(tokens.store), parts.resolve(tokens.pipeline));
  const bus = await serveBus(handoff, parts, log);
  followLauncher(launcher, bus, parts, log);
  parts.resolve(tokens.control).want();
  parts.resolve(tokens.confirmations).watch();
  const api = parts.resolve(tokens.api);
  await listenOnSocket(api, handoff.apiSocket ?? join(handoff.runDir, 'api.sock'));
  const network = handoff.tls === undefined ? undefined : await listenOnTls(api, handoff.tls);
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
    network?.closeAllConnections();
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
