/** The control channel of one plugin in the main isolate: everything but streams and descriptors goes to the Worker. */
import type { Handlers } from '@weft/kernel/bus';
import type { ForwarderCalls } from '@weft/kernel/contract/net';
import { fail, type InOf, type ItemOf, type OutOf, type UnaryNames } from '@weft/kernel/contract/system';
import type { PortWatch } from './port-watch.ts';
import type { Relay } from './relay.ts';
import type { ServiceSockets } from './service-sockets.ts';

/** What the main isolate answers itself. */
export interface Answers {
  readonly ports: PortWatch;
  readonly services: Pick<ServiceSockets, 'ask' | 'namespace'>;
  capture(plugin: string, request: InOf<ForwarderCalls, 'ports.capture'>, signal: AbortSignal): AsyncIterable<Captured>;
  flows(plugin: string, request: InOf<ForwarderCalls, 'flows.watch'>, signal: AbortSignal): AsyncIterable<Followed>;
}

type Followed = ItemOf<ForwarderCalls, 'flows.watch'>;
type Captured = ItemOf<ForwarderCalls, 'ports.capture'>;

export function relayHandlers(plugin: string, relay: Relay, answers: Answers): Handlers<ForwarderCalls> {
  const ask = <K extends UnaryNames<ForwarderCalls>>(method: K, input: unknown): Promise<OutOf<ForwarderCalls, K>> =>
    relay.call(plugin, method, input) as Promise<OutOf<ForwarderCalls, K>>;
  return {
    hello: async (input) => {
      if (input.name !== plugin) throw fail('FORBIDDEN', `this channel is ${plugin}'s, not ${String(input.name)}'s`);
      return ask('hello', input);
    },
    'rows.begin': (input) => ask('rows.begin', input),
    'rows.apply': (input) => ask('rows.apply', input),
    'rows.commit': (input) => ask('rows.commit', input),
    'rows.clear': (input) => ask('rows.clear', input),
    'rows.read': async (input) => {
      const { rows } = await ask('rows.read', input);
      return { rows: asBuffer(rows) };
    },
    'ports.trace': async (input) => {
      const { steps } = await ask('ports.trace', input);
      return { steps: steps.map((step) => ('frame' in step ? { ...step, frame: asBuffer(step.frame) } : step)) };
    },
    'ports.read': (input) => ask('ports.read', input),
    'ports.watch': (_input, { signal }) => answers.ports.watch(signal),
    'ports.capture': (input, { signal }) => answers.capture(plugin, input, signal),
    'service.socket': (input) => answers.services.ask(plugin, input),
    'service.namespace': () => answers.services.namespace(plugin),
    'stats.read': (input) => ask('stats.read', input),
    'flows.read': (input) => ask('flows.read', input),
    'flows.stats': (input) => ask('flows.stats', input),
    'flows.watch': (input, { signal }) => answers.flows(plugin, input, signal),
    'nat.stats': (input) => ask('nat.stats', input),
    'nat.blocks': (input) => ask('nat.blocks', input),
    'nat.events': (input) => ask('nat.events', input),
    'rules.stats': (input) => ask('rules.stats', input),
    'drops.read': (input) => ask('drops.read', input),
  };
}

/** Crossing isolates makes a Buffer a plain byte array. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
