/** Who asks, and which service is meant: from the port that asks and the address that it asked. Keeps the services and their status. */
import type { Socket } from 'node:net';
import type { Port, VirtualNetwork } from '@weft/kernel/contract/net';
import { keyOf, type ObjectKey, referencedKey } from '@weft/kernel/contract/system';
import { type Asker, type DatagramAsker, type PluginContext, PortIndex } from '@weft/kernel/sdk';
import { type Catalogue, placeOf, type Transport } from './catalogue.ts';
import type { LinkLocalConfig } from './config.ts';
import type { LinkLocalService } from './kinds.ts';
import type { Names } from './names.ts';
import { type Outcome, reset, Service } from './service.ts';
import { Sessions } from './sessions.ts';
import { Upstreams } from './upstreams.ts';

type Host = Pick<PluginContext<LinkLocalConfig>, 'config' | 'objects' | 'setStatus'>;

export class Broker {
  readonly outcomes = new Map<Outcome | 'unserved', number>();
  readonly #host: Host;
  readonly #names: Names;
  readonly #upstreams = new Upstreams();
  readonly #ports = new PortIndex();
  readonly #sessions: Sessions;
  /** By uid of the LinkLocalService. */
  readonly #services = new Map<string, Service>();
  #catalogue: Catalogue = { entries: new Map(), covering: new Map() };

  constructor(host: Host, names: Names) {
    this.#host = host;
    this.#names = names;
    this.#sessions = new Sessions(host.config);
  }

  /** Sessions at present. */
  get sessions(): number {
    return this.#sessions.count;
  }

  /** Takes up what changed in the object cache, for which the catalogue is what it was. */
  learn(changed: readonly ObjectKey[]): void {
    for (const key of changed) {
      if (key.kind === 'Port') this.#ports.put(key, this.#host.objects.get<Port>(key));
      // One status may have been written while it became another.
      else if (key.kind === 'LinkLocalService') void this.#tellStatus(key);
    }
  }

  /** Serves what this catalogue says, which is made of the objects of now. */
  serve(of: Catalogue): void {
    this.#catalogue = of;
    const gone = new Set(this.#services.keys());
    for (const object of this.#objects()) {
      gone.delete(object.metadata.uid);
      this.#serviceOf(object).spec = object.spec;
      void this.#tellStatus(keyOf(object));
    }
    for (const uid of gone) {
      this.#services.get(uid)?.close();
      this.#services.delete(uid);
    }
  }

  async connection(socket: Socket, asker: Asker, l4Port: number): Promise<void> {
    const service = this.#find(asker, 'tcp', l4Port);
    if (service === undefined) reset(socket);
    this.#count(service === undefined ? 'unserved' : await service.connection(socket, asker.port));
  }

  async datagram(data: Buffer, asker: DatagramAsker, reply: (data: Buffer) => void, l4Port: number): Promise<void> {
    const service = this.#find(asker, 'udp', l4Port);
    this.#count(service === undefined ? 'unserved' : await service.datagram(data, asker, reply));
  }

  /** One line for each upstream of each service of a project, or of all for `-`. */
  async list(project: string) {
    const lines = this.#objects(project === '-' ? undefined : project).map(async (object) => {
      const service = this.#serviceOf(object);
      const { address, port, protocol } = object.spec;
      const common = { project: object.metadata.project ?? '', service: object.metadata.name, address, port, protocol };
      return (await service.states()).map((state) => ({ ...common, ...state, ...service.sessions }));
    });
    return (await Promise.all(lines)).flat();
  }

  close(): void {
    for (const service of this.#services.values()) service.close();
  }

  #objects(project?: string): readonly LinkLocalService[] {
    return this.#host.objects.list<LinkLocalService>('LinkLocalService', project);
  }

  #find(asker: Asker, protocol: Transport, l4Port: number): Service | undefined {
    const port = this.#ports.get(asker.port);
    if (port === undefined) return undefined;
    const key = referencedKey('VirtualNetwork', port.spec.network, port.metadata.project);
    const network = this.#host.objects.get<VirtualNetwork>(key);
    const entry = network && this.#catalogue.entries.get(placeOf(network.status.id, protocol, asker.address, l4Port));
    return entry && this.#serviceOf(entry.service);
  }

  #serviceOf(object: LinkLocalService): Service {
    const { spec, metadata } = object;
    const { uid } = metadata;
    const known = this.#services.get(uid);
    if (known !== undefined) return known;
    const parts = { config: this.#host.config, names: this.#names, upstreams: this.#upstreams, sessions: this.#sessions };
    const service = new Service(spec, { ...parts, onHealth: () => void this.#tellStatus(keyOf(object)) });
    this.#services.set(uid, service);
    return service;
  }

  #count(outcome: Outcome | 'unserved'): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  /** Writes phase and reason when they are others than in the object. */
  async #tellStatus(key: ObjectKey): Promise<void> {
    const states = (await this.#services.get(this.#host.objects.get(key)?.metadata.uid ?? '')?.states()) ?? [];
    const object = this.#host.objects.get<LinkLocalService>(key);
    if (object === undefined || states.length === 0) return;
    const { uid } = object.metadata;
    const covering = this.#catalogue.covering.get(uid) ?? [];
    const isServed = covering.length === 0 || [...this.#catalogue.entries.values()].some(({ service }) => service.metadata.uid === uid);
    const isDown = states.every(({ state }) => state === 'down');
    const phase = isDown || !isServed ? 'Down' : 'Active';
    const reasons = [
      ...(isDown ? states.map(({ error }) => error) : []),
      ...(covering.length > 0 ? [`not served in ${covering.join(', ')}: a subnet there holds ${object.spec.address}`] : []),
    ];
    const reason = reasons.join('; ').slice(0, 1_000);
    if (object.status.phase !== phase || object.status.reason !== reason) await this.#host.setStatus([{ key, status: { phase, reason } }]);
  }
}
