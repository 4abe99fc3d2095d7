/** Router advertisements to every port that is up: when asked, now and then, at once when something changed, and a last one. */
import { type Icmpv6Frame, type Port, type PortState, type PuntRecord, replyTo } from '@weft/kernel/contract/net';
import type { ObjectKey } from '@weft/kernel/contract/system';
import type { PluginContext } from '@weft/kernel/sdk';
import type { DhcpConfig } from '../config.ts';
import type { Server, Shared } from '../server.ts';
import { type Advertisement, type Endings, endingsBetween, farewellOf, nothing } from './advertisement.ts';
import { Catalog } from './catalog.ts';
import { Followers } from './followers.ts';
import { AdvertisementFrames } from './frames.ts';
import { Schedule } from './schedule.ts';
import { isUnspecified, parseSolicitation } from './solicitation.ts';

type Host = Pick<PluginContext<DhcpConfig>, 'config' | 'log' | 'objects' | 'punts' | 'forwarder'>;
type Inject = Parameters<Host['punts']['inject']>[0][number];

/** A port that is up. */
interface Hearer {
  readonly generation: number;
  advertisement: Advertisement;
  /** What it is to forget, said with the next few advertisements. */
  endings: Endings;
}

/** So many ports are told at a time, and so long is it to the next: ten thousand that come up at once are no burst. */
const batch = 64;
const pauseMs = 50;
const mostEndings = 32;

export class Advertiser implements Server {
  readonly #host: Host;
  readonly #shared: Shared;
  readonly #schedule: Schedule;
  readonly #hearers = new Map<number, Hearer>();
  readonly #states = new Map<number, PortState>();
  readonly #followers: Followers;
  readonly #catalog: Catalog;
  readonly #frames = new AdvertisementFrames();
  #timer: NodeJS.Timeout | undefined;
  /** When it fires. */
  #timerMs = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(host: Host, shared: Shared) {
    this.#host = host;
    this.#shared = shared;
    this.#schedule = new Schedule(host.config);
    this.#followers = new Followers(host.objects);
    this.#catalog = new Catalog(host.config);
    host.forwarder.onPorts((ports, removed) => this.#portsChanged(ports, removed));
  }

  handle(records: Iterable<PuntRecord>): void {
    for (const record of records) this.#answer(record);
  }

  refresh(changed: readonly ObjectKey[]): void {
    this.#followers.refresh(changed);
    for (const key of changed) if (key.kind === 'VirtualNetwork' && this.#host.objects.get(key) === undefined) this.#catalog.forget(key);
    if (changed.some(({ kind }) => kind === 'VirtualNetwork')) for (const id of this.#states.keys()) this.#update(id);
    else for (const id of this.#followers.numbers(changed)) this.#update(id);
    this.#arm();
  }

  /** The last advertisement to each port (RFC 4861 §6.2.5), a few at a time. */
  async disable(): Promise<void> {
    this.stop();
    const hearers = [...this.#hearers];
    for (let at = 0; at < hearers.length; at += batch) {
      if (at > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs / 10));
      const told = hearers.slice(at, at + batch);
      this.#host.punts.inject(told.flatMap(([port, hearer]) => this.#toAll(port, hearer, farewellOf(hearer.advertisement))));
    }
    this.#shared.tally.count('ra', 'farewell', hearers.length);
  }

  stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #portsChanged(ports: readonly PortState[], removed: readonly number[]): void {
    for (const id of removed) this.#states.delete(id);
    for (const state of ports) this.#states.set(state.id, state);
    for (const id of [...removed, ...ports.map((state) => state.id)]) this.#update(id);
    this.#arm();
  }

  /** Takes up what the port is to hear. */
  #update(id: number): void {
    if (this.#ended) return;
    const state = this.#states.get(id);
    const known = this.#hearers.get(id);
    const hearer = known?.generation === state?.generation ? known : undefined;
    const advertisement = state?.state === 'up' ? this.#advertisementFor(id) : nothing;
    if (state?.state !== 'up' || (hearer === undefined && advertisement === nothing)) this.#drop(id);
    else if (advertisement !== hearer?.advertisement) {
      this.#hearers.set(id, { generation: state.generation, advertisement, endings: endingsOf(hearer, advertisement) });
      this.#schedule.renew(id, performance.now());
    }
  }

  #drop(id: number): void {
    this.#hearers.delete(id);
    this.#schedule.remove(id);
  }

  #advertisementFor(id: number): Advertisement {
    const client = this.#shared.clients.get(id);
    return client?.network === undefined ? nothing : this.#catalog.advertisementOf(client.network, client.port);
  }

  #answer(record: PuntRecord): void {
    const asked = parseSolicitation(record.frame);
    const client = this.#shared.clients.get(record.port);
    const advertisement = this.#ended ? nothing : this.#advertisementFor(record.port);
    if (asked === undefined) this.#ignore('malformed', record);
    else if (client === undefined) this.#ignore('unknown-port', record);
    else {
      if (client.network?.spec.forwarding === 'l2') this.#pass(record, client.port);
      if (advertisement === nothing) this.#ignore('not-configured', record);
      else this.#reply(record, asked, advertisement);
    }
  }

  #reply(record: PuntRecord, asked: Icmpv6Frame, advertisement: Advertisement): void {
    this.#shared.tally.count('ra', 'solicited');
    if (isUnspecified(asked)) {
      this.#schedule.hasten(record.port, performance.now());
      this.#arm();
      return;
    }
    const frames = this.#frames.toAsker(advertisement, this.#hearers.get(record.port)?.endings, asked);
    this.#host.punts.inject(frames.map((frame) => replyTo(record, frame)));
  }

  /** Where hosts may be routers, those hear the question, too: ports without security, for from others no advertisement passes. */
  #pass(record: PuntRecord, asker: Port): void {
    const routers = this.#followers.routersBeside(asker).filter((id) => id !== record.port);
    const frame = Buffer.from(record.frame);
    const copies = routers.flatMap((port): Inject[] => {
      const generation = this.#states.get(port)?.generation;
      return generation === undefined ? [] : [{ port, generation, frame }];
    });
    if (copies.length > 0) this.#host.punts.inject(copies);
  }

  #ignore(cause: 'malformed' | 'unknown-port' | 'not-configured', { port }: PuntRecord): void {
    this.#shared.tally.count('ra', cause);
    this.#host.log.debug({ port, cause }, 'router solicitation not answered');
  }

  /** One timer for all ports; never put off, or a few that ask without end would keep all from hearing anything. */
  #arm(): void {
    const nowMs = performance.now();
    const atMs = Math.max(nowMs + pauseMs, this.#schedule.nextMs());
    if (this.#ended || atMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = atMs;
    this.#timer = setTimeout(() => this.#tell(), atMs - nowMs);
    this.#timer.unref();
  }

  #tell(): void {
    this.#timerMs = Number.POSITIVE_INFINITY;
    const due = this.#schedule.take(performance.now(), batch);
    const frames = due.flatMap((id) => {
      const hearer = this.#hearers.get(id);
      return hearer === undefined ? [] : this.#toAll(id, hearer, hearer.advertisement);
    });
    if (frames.length > 0) this.#host.punts.inject(frames);
    if (due.length > 0) this.#shared.tally.count('ra', 'unsolicited', due.length);
    for (const id of due) if (!this.#schedule.isInitial(id)) this.#settle(id);
    this.#arm();
  }

  /** Said often enough: what is over is over. */
  #settle(id: number): void {
    const hearer = this.#hearers.get(id);
    if (hearer?.advertisement === nothing) this.#drop(id);
    else if (hearer !== undefined) hearer.endings = new Map();
  }

  #toAll(port: number, { generation, endings }: Hearer, advertisement: Advertisement): readonly Inject[] {
    return this.#frames.toAll(advertisement, endings).map((frame) => ({ port, generation, frame }));
  }
}

/** What the hearer was told and is no longer, of late and now. */
function endingsOf(hearer: Hearer | undefined, advertisement: Advertisement): Endings {
  if (hearer === undefined) return new Map();
  const { linkEndings, serviceEndings } = advertisement;
  const ended = [...hearer.endings, ...endingsBetween(hearer.advertisement, advertisement)];
  return new Map(ended.filter(([key]) => !linkEndings.has(key) && !serviceEndings.has(key)).slice(-mostEndings));
}
