/** What is known of each Metadata object's Nova, from what happens to requests: its status, and one alarm for all. */
import { formatKey, keyOf, type ObjectKey } from '@weft/kernel/contract/system';
import type { PluginContext } from '@weft/kernel/sdk';
import type { Metadata } from '../kinds.ts';

/** A Nova that fails and works in turn, perhaps because a VM asks it to, changes statuses and fills the log no faster than this. */
const pauseMs = 1_000;
const namedInAlarm = 3;
const alarmKey = 'nova';

type Context = Pick<PluginContext<unknown>, 'setStatus' | 'alarm' | 'objects' | 'log'>;

interface Known {
  /** What is wrong with the object and its secrets. */
  readonly fault?: string;
  /** What went wrong with the last request. */
  readonly trouble?: string;
}

export class Health {
  readonly #context: Context;
  readonly #known = new Map<string, Known>();
  #timer: NodeJS.Timeout | undefined;
  #alarm: string | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  /** A request ended: null, or what the operator must look at. */
  outcome(metadata: Metadata, trouble: string | null): void {
    this.#set(metadata, { ...this.#faultOf(metadata), ...(trouble === null ? {} : { trouble }) });
  }

  /** The object was read: null, or what is wrong with it. What happened to requests before does not count any more. */
  configured(metadata: Metadata, fault: string | null): void {
    this.#set(metadata, fault === null ? {} : { fault });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Brings statuses and alarm up to what is known. */
  async publish(): Promise<void> {
    this.#timer = undefined;
    const all = this.#context.objects.list<Metadata>('Metadata');
    const present = new Set(all.map(({ metadata }) => metadata.uid));
    for (const uid of this.#known.keys()) if (!present.has(uid)) this.#known.delete(uid);
    const since = new Date().toISOString();
    const updates = all.flatMap((metadata) => {
      const reason = this.#reason(metadata);
      const phase = reason === '' ? 'Active' : 'Degraded';
      const same = metadata.status.phase === phase && metadata.status.reason === reason;
      return same ? [] : [{ key: keyOf(metadata), status: { phase, reason, since } }];
    });
    for (const { key, status } of updates)
      if (status.reason !== '') this.#context.log.warn({ metadata: formatKey(key), reason: status.reason }, 'metadata is degraded');
    if (updates.length > 0) await this.#context.setStatus(updates);
    await this.#raise(all.filter((metadata) => this.#reason(metadata) !== '').map((metadata) => [keyOf(metadata), this.#reason(metadata)]));
  }

  async #raise(broken: readonly (readonly [ObjectKey, string])[]): Promise<void> {
    const texts = broken.slice(0, namedInAlarm).map(([key, reason]) => `${formatKey(key)}: ${reason}`);
    const more = broken.length > namedInAlarm ? `; and ${broken.length - namedInAlarm} more` : '';
    const text = `VMs do not get their metadata. ${texts.join('; ')}${more}`;
    const alarm = broken.length === 0 ? '' : text;
    if (alarm === this.#alarm) return;
    this.#alarm = alarm;
    const [first] = broken;
    const subject = first === undefined ? '' : formatKey(first[0]);
    await this.#context.alarm(alarmKey, first === undefined ? null : { severity: 'warning', subject, text: text.slice(0, 1_900) });
  }

  #reason({ metadata }: Metadata): string {
    const known = this.#known.get(metadata.uid);
    return known?.fault ?? known?.trouble ?? '';
  }

  #faultOf({ metadata }: Metadata): Known {
    const fault = this.#known.get(metadata.uid)?.fault;
    return fault === undefined ? {} : { fault };
  }

  #set(metadata: Metadata, known: Known): void {
    const before = this.#reason(metadata);
    this.#known.set(metadata.metadata.uid, known);
    if (this.#reason(metadata) === before) return;
    this.#timer ??= setTimeout(() => void this.publish(), pauseMs).unref();
  }
}
