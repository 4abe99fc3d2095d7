/** The control channel of one plugin in the main isolate: everything but `ports.watch` goes to the Worker. */
import type { Handlers } from '@weft/kernel/bus';
import type { ForwarderCalls } from '@weft/kernel/contract/net';
import { fail, type OutOf, type UnaryNames } from '@weft/kernel/contract/system';
import type { PortWatch } from './port-watch.ts';
import type { Relay } from './relay.ts';

export function relayHandlers(plugin: string, relay: Relay, ports: PortWatch): Handlers<ForwarderCalls> {
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
      // Crossing isolates made it a plain byte array.
      return { rows: Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength) };
    },
    'ports.read': (input) => ask('ports.read', input),
    'ports.watch': (_input, { signal }) => ports.watch(signal),
    'stats.read': (input) => ask('stats.read', input),
    'drops.read': (input) => ask('drops.read', input),
  };
}
