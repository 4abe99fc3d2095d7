/** Tells which gateways of uplinks answer: in their status, and in an alarm when one does not. The forwarder asks them; nothing announces what it finds. */
import type { Uplink, UplinkNeighborRow, UplinkStatus } from '@weft/kernel/contract/net';
import { keyOf } from '@weft/kernel/contract/system';
import type { Forwarder, ObjectCache, PluginContext } from '@weft/kernel/sdk';
import { gatewaysOf } from './uplink.ts';

const alarmKey = 'uplink-gateways';
const everyMs = 2_000;
const noMac = '00:00:00:00:00:00';
/** An alarm has no room for more. */
const mostNamed = 10;

interface Context {
  readonly objects: Pick<ObjectCache, 'list'>;
  readonly forwarder: Pick<Forwarder, 'rows'>;
  readonly setStatus: PluginContext<unknown>['setStatus'];
  readonly alarm: PluginContext<unknown>['alarm'];
}

export class GatewayWatch {
  readonly #context: Context;
  /** Of each port that the forwarder has now. */
  readonly #generations: ReadonlyMap<number, number>;
  /** `UPLINK ADDRESS` of gateways that were silent at the last look. */
  #silent: ReadonlySet<string> = new Set();
  /** The alarm as text; null: none. Undefined: what stands from before is not known. */
  #told: string | null | undefined;

  constructor(context: Context, generations: ReadonlyMap<number, number>) {
    this.#context = context;
    this.#generations = generations;
  }

  /** Looks until the returned function is called. */
  watch(): () => void {
    // A forwarder that is away tells nothing; the next look tells.
    const look = (): void => void this.look().catch(() => undefined);
    look();
    const timer = setInterval(look, everyMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  async look(): Promise<void> {
    const uplinks = this.#context.objects.list<Uplink>('Uplink');
    const isAsked = uplinks.some((uplink) => gatewaysOf(uplink).length > 0);
    // After a start the forwarder has yet to say which ports it has.
    if (isAsked && this.#generations.size === 0) return;
    const rows = isAsked ? await this.#context.forwarder.rows('uplink_neighbor') : [];
    const seen = uplinks.map((uplink) => ({ uplink, gateways: this.#statesOf(uplink, rows) }));
    const updates = seen
      .filter(({ uplink, gateways }) => JSON.stringify(uplink.status.gateways) !== JSON.stringify(gateways))
      .map(({ uplink, gateways }) => ({ key: keyOf(uplink), status: { gateways } }));
    if (updates.length > 0) await this.#context.setStatus(updates);
    await this.#alarm(seen);
  }

  #statesOf(uplink: Uplink, rows: readonly UplinkNeighborRow[]): UplinkStatus['gateways'] {
    const { id } = uplink.status;
    const answering = new Set(
      rows
        .filter(
          ({ port, generation, mac, silent }) => port === id && generation === this.#generations.get(id) && mac !== noMac && silent === 0,
        )
        .map(({ address }) => address),
    );
    return gatewaysOf(uplink).map((address) => ({ address, reachable: answering.has(address) }));
  }

  /** Of gateways that were silent twice: one that has just come needs a moment. */
  async #alarm(seen: readonly { readonly uplink: Uplink; readonly gateways: UplinkStatus['gateways'] }[]): Promise<void> {
    const silent = seen.flatMap(({ uplink: { metadata }, gateways }) =>
      gateways.filter(({ reachable }) => !reachable).map(({ address }) => `${metadata.name} ${address}`),
    );
    const lasting = silent.filter((each) => this.#silent.has(each));
    this.#silent = new Set(silent);
    // What stands from before is not cleared for a moment.
    if (this.#told === undefined && silent.length > lasting.length) return;
    const isCut = seen.some(
      ({ uplink, gateways }) =>
        gateways.length > 0 && gateways.every(({ address }) => lasting.includes(`${uplink.metadata.name} ${address}`)),
    );
    const severity = isCut ? 'critical' : 'warning';
    const alarm = lasting.length === 0 ? null : ({ severity, subject: 'uplinks', text: textOf(lasting) } as const);
    const text = alarm && JSON.stringify(alarm);
    if (text === this.#told) return;
    await this.#context.alarm(alarmKey, alarm);
    this.#told = text;
  }
}

function textOf(silent: readonly string[]): string {
  const named = silent.slice(0, mostNamed).map((each) => {
    const [uplink, address] = each.split(' ');
    return `${address} of uplink ${uplink}`;
  });
  const more = silent.length > mostNamed ? ` and ${silent.length - mostNamed} more` : '';
  return `gateways do not answer ARP or neighbour discovery: ${named.join(', ')}${more}. See weft get uplink, and weft capture UPLINK --filter 'arp or icmp6'`;
}
