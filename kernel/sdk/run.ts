/**
 * The entry of a plugin process: `node run.ts FOLDER`, with a Handoff document on descriptor 3. Whatever is not caught ends the process with one
 * line in its log; the launcher starts it again.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { pino } from 'pino';
import { connect, connectRaw } from '../bus/index.ts';
import type { ForwarderCalls } from '../contract/net/index.ts';
import { fail, type Handoff, type KernelCalls, type PluginCalls, plugSockets, toWeftError } from '../contract/system/index.ts';
import { ProcessMetrics } from '../metrics/index.ts';
import { hashManifest, manifestOf } from './manifest.ts';
import { noServicePort } from './no-service-port.ts';
import type { PluginDefinition } from './plugin.ts';
import { Runtime, type Wires } from './runtime.ts';
import { checkSettings } from './settings.ts';

const stopTimeoutMs = 3_000;
const handoff = JSON.parse(readFileSync(3, 'utf8')) as Handoff;
const lines = pino.destination({ dest: 1, sync: true });
// a full disk takes no line, and that is no reason to end
lines.on('error', () => undefined);
const log = pino({ name: handoff.name, level: handoff.logLevel }, lines);

process.on('uncaughtException', die);
process.on('unhandledRejection', die);

function die(thrown: unknown): never {
  const { message, fix } = toWeftError(thrown);
  log.fatal({ err: thrown }, fix === undefined ? message : `${message}: ${fix}`);
  process.exit(1);
}

async function load(entry: string): Promise<{ definition: PluginDefinition; manifestHash: string }> {
  const folder = resolve(entry, '..');
  const loaded = (await import(entry)) as { default: PluginDefinition };
  const file = readFileSync(join(folder, 'manifest.json'));
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  if (!isDeepStrictEqual(manifestOf(loaded.default, version), JSON.parse(file.toString())))
    throw fail('CONFLICT', `manifest.json differs from the plugin's definition (${folder})`, 'write it anew: npm run gen');
  return { definition: loaded.default, manifestHash: hashManifest(file) };
}

/** Its foreign calls are loaded by those only who may have sockets inside the networks. */
async function servicePort({ grants }: PluginDefinition, path: string): Promise<Wires['servicePort']> {
  if (grants?.servicePort !== true) return () => noServicePort;
  const { NamespacePort } = await import('./service-port/index.ts');
  return (view, forwarder) => new NamespacePort({ view, forwarder, path, log });
}

async function wires({ name, runDir, keys, servers }: Handoff, definition: PluginDefinition): Promise<Wires> {
  const sockets = plugSockets(runDir, name);
  const onMalformed = (reason: string): void => log.warn({ reason }, 'malformed message dropped');
  return {
    kernel: (handlers, onConnect, onDisconnect) =>
      connect<PluginCalls, KernelCalls>({
        peer: 'kernel',
        path: sockets.kernel,
        keys,
        serverKey: servers.kernel,
        handlers,
        onConnect,
        onDisconnect,
        onMalformed,
      }),
    forwarder: (onConnect) =>
      connect<object, ForwarderCalls>({
        peer: 'forwarder',
        path: sockets.control,
        keys,
        serverKey: servers.forwarder,
        handlers: {},
        onConnect,
        onMalformed,
      }),
    servicePort: await servicePort(definition, sockets.service),
    punts: (onFrame) => connectRaw({ path: sockets.punts, keys, serverKey: servers.forwarder }, onFrame),
  };
}

const entry = process.argv[2] ?? '';
if (!isAbsolute(entry)) throw fail('MALFORMED', 'run.ts needs the absolute path of a plugin entry', 'start plugins with: weft up');
const { definition, manifestHash } = await load(entry);
const metrics = new ProcessMetrics();
metrics.watchProcess();
const runtime = new Runtime({
  definition,
  config: checkSettings(handoff.name, definition.config, handoff.settings),
  manifestHash,
  stateDir: handoff.stateDir,
  log,
  metrics,
  wires: await wires(handoff, definition),
  onFatal: die,
});

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), stopTimeoutMs);
    void runtime.stop().then(() => process.exit(0));
  });
}
await runtime.start();
log.info('ready');
