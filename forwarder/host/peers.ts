/** The sockets of the plugins: a control channel and a punt socket each, below RUN/forwarder/PLUGIN, as long as the launcher names the plugin. */
import type { BusServer, Handlers, RawSocket, Refusals } from '@weft/kernel/bus';
import { type ForwarderCalls, puntHeaderBytes } from '@weft/kernel/contract/net';
import { type Peer, plugSockets } from '@weft/kernel/contract/system';
import type { Forwarder } from '../binding/index.ts';
import { hostOwner } from './host-rows.ts';
import type { Log } from './log.ts';
import type { PuntPump } from './punt-pump.ts';
import type { Peers } from './relay.ts';
import type { ServiceSockets } from './service-sockets.ts';

interface Plugin {
  readonly owner: number;
  readonly punts: RawSocket;
  /** Who is sent no frames sends none. */
  mayInject: boolean;
  /** Punt frames that the socket did not take, as last logged. */
  drops: number;
}

export interface PeerOptions {
  readonly server: BusServer;
  readonly forwarder: Pick<Forwarder, 'ownerOpen' | 'inject'>;
  readonly pump: PuntPump;
  readonly services: Pick<ServiceSockets, 'open' | 'close'>;
  readonly runDir: string;
  readonly handlers: (plugin: string) => Handlers<ForwarderCalls>;
  readonly refusals: Pick<Refusals, 'record'>;
  readonly log: Log;
}

export class PeerSockets {
  readonly #options: PeerOptions;
  readonly #plugins = new Map<string, Plugin>();

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  /** Makes the sockets match; one call at a time. A changed key locks the former process out; rows stay whoever comes and goes. */
  async set(peers: Peers): Promise<void> {
    for (const [name, plugin] of this.#plugins) {
      if (name in peers) continue;
      this.#plugins.delete(name);
      this.#options.pump.setSink(plugin.owner, null);
      this.#options.services.close(name);
      await this.#options.server.remove(name);
    }
    for (const [name, peer] of Object.entries(peers)) await this.#admit(name, peer);
  }

  /** Logs what was lost since the last call. */
  report(): void {
    for (const [name, plugin] of this.#plugins) {
      const frames = plugin.punts.drops - plugin.drops;
      plugin.drops = plugin.punts.drops;
      if (frames > 0) this.#options.log.warn(`${name} did not take its punts`, { plugin: name, frames });
    }
  }

  async #admit(name: string, peer: Peer): Promise<void> {
    const { server, forwarder, pump, services, runDir, handlers, refusals, log } = this.#options;
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name) || name === hostOwner) {
      log.error(`'${name}' cannot be a plugin's name here`, { plugin: name });
      return;
    }
    await server.setKey(name, peer.publicKey);
    const mayInject = peer.puntClasses.length > 0;
    const known = this.#plugins.get(name);
    const owner = forwarder.ownerOpen(name);
    if (peer.grants.servicePort === true) await services.open(name, owner, plugSockets(runDir, name).service);
    else services.close(name);
    if (known !== undefined) {
      known.mayInject = mayInject;
      return;
    }
    const onRefused = (act: string, detail: string): void => refusals.record(name, act, detail);
    await server.channel({
      client: name,
      path: plugSockets(runDir, name).control,
      handlers: handlers(name),
      onRefused,
    });
    const punts = await server.raw({
      client: name,
      path: plugSockets(runDir, name).punts,
      onFrame: (frame) => this.#inject(name, frame),
      onRefused,
    });
    this.#plugins.set(name, { owner, punts, mayInject, drops: 0 });
    pump.setSink(owner, punts);
  }

  #inject(name: string, frame: Buffer): void {
    const plugin = this.#plugins.get(name);
    if (plugin === undefined) return;
    const { forwarder, refusals } = this.#options;
    if (!plugin.mayInject) {
      refusals.record(name, 'inject', 'it has no punt class, so it may not send frames');
      return;
    }
    try {
      const taken = forwarder.inject(plugin.owner, frame);
      const lost = recordsIn(frame) - taken;
      if (lost > 0)
        refusals.record(name, 'inject-lost', `${lost} frames for ports that are gone or made anew, too long, or too many at once`);
    } catch (thrown) {
      // The good records of the frame were taken; libforwarder counted the rest.
      refusals.record(name, 'inject', thrown instanceof Error ? thrown.message : String(thrown));
    }
  }
}

function recordsIn(frame: Buffer): number {
  let records = 0;
  for (let at = 0; at + puntHeaderBytes <= frame.length; at += (puntHeaderBytes + frame.readUInt32LE(at + 4) + 7) & ~7) records += 1;
  return records;
}
