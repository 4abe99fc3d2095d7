/** The sockets of the plugins: a control channel and a punt socket each, RUN/forwarder/PLUGIN.ctl and .punt, as long as the launcher names the plugin. */
import { join } from 'node:path';
import type { BusServer, Handlers, RawSocket } from '@weft/kernel/bus';
import type { ForwarderCalls } from '@weft/kernel/contract/net';
import type { Peer } from '@weft/kernel/contract/system';
import type { Forwarder } from '../binding/index.ts';
import type { Log } from './log.ts';
import { hostOwner } from './punt-classes.ts';
import type { PuntPump } from './punt-pump.ts';
import type { Peers } from './relay.ts';

interface Plugin {
  readonly owner: number;
  readonly punts: RawSocket;
  /** Punt frames that the socket did not take, as last logged. */
  drops: number;
}

export interface PeerOptions {
  readonly server: BusServer;
  readonly forwarder: Pick<Forwarder, 'ownerOpen' | 'inject'>;
  readonly pump: PuntPump;
  /** Of the sockets; exists. */
  readonly folder: string;
  readonly handlers: (plugin: string) => Handlers<ForwarderCalls>;
  readonly log: Log;
}

export class PeerSockets {
  readonly #options: PeerOptions;
  readonly #plugins = new Map<string, Plugin>();
  #injectErrors = 0;

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  /** Makes the sockets match; one call at a time. A changed key locks the former process out; rows stay whoever comes and goes. */
  async set(peers: Peers): Promise<void> {
    for (const [name, plugin] of this.#plugins) {
      if (name in peers) continue;
      this.#plugins.delete(name);
      this.#options.pump.setSink(plugin.owner, null);
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
    if (this.#injectErrors > 0) this.#options.log.warn('injections were malformed', { frames: this.#injectErrors });
    this.#injectErrors = 0;
  }

  async #admit(name: string, peer: Peer): Promise<void> {
    const { server, forwarder, pump, folder, handlers, log } = this.#options;
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name) || name === hostOwner) {
      log.error(`'${name}' cannot be a plugin's name here`, { plugin: name });
      return;
    }
    await server.setKey(name, peer.publicKey);
    if (this.#plugins.has(name)) return;
    const owner = forwarder.ownerOpen(name);
    await server.channel({
      client: name,
      path: join(folder, `${name}.ctl`),
      handlers: handlers(name),
      onMalformed: (reason) => log.warn(`a message of ${name} is malformed`, { plugin: name, reason }),
    });
    const punts = await server.raw({ client: name, path: join(folder, `${name}.punt`), onFrame: (frame) => this.#inject(owner, frame) });
    this.#plugins.set(name, { owner, punts, drops: 0 });
    pump.setSink(owner, punts);
  }

  #inject(owner: number, frame: Buffer): void {
    try {
      this.#options.forwarder.inject(owner, frame);
    } catch {
      // The good records of the frame were taken; libforwarder counted the rest.
      this.#injectErrors += 1;
    }
  }
}
