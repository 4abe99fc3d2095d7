/** Frames from and to the forwarder's ports, dispatched by punt class. */
import { type PuntRecord, packPunt, readPunts } from '../contract/net/index.ts';
import { fail } from '../contract/system/errors.ts';
import type { Punts } from './plugin.ts';
import type { Traffic } from './traffic.ts';

type Handler = (records: Iterable<PuntRecord>) => void;

/** What the bus gives for punts: `RawSocket`, or a test's stand-in. */
export interface RawPipe {
  send(frame: Buffer): void;
  close(): void;
}

export class PuntDispatch implements Punts {
  readonly #declared: ReadonlySet<string>;
  readonly #traffic: Traffic;
  readonly #handlers = new Map<string, Handler>();
  #pipe: RawPipe | null = null;
  #numbers: Readonly<Record<string, number>> = {};
  #names = new Map<number, string>();

  /** @param declared the punt classes of the plugin's definition. */
  constructor(declared: readonly string[], traffic: Traffic) {
    this.#declared = new Set(declared);
    this.#traffic = traffic;
  }

  /** Frames to inject go there from now on. */
  attach(pipe: RawPipe): void {
    this.#pipe = pipe;
  }

  /** The forwarder's numbers of the plugin's classes. */
  number(numbers: Readonly<Record<string, number>>): void {
    this.#numbers = numbers;
    this.#names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));
  }

  on(puntClass: string, handler: Handler): void {
    this.#check(puntClass);
    this.#handlers.set(puntClass, handler);
  }

  inject(records: Parameters<Punts['inject']>[0]): void {
    if (records.length === 0) return;
    this.#traffic.injected(records.length);
    this.#pipe?.send(Buffer.concat(records.map(packPunt)));
  }

  classNumber(puntClass: string): number {
    this.#check(puntClass);
    const number = this.#numbers[puntClass];
    if (number === undefined) throw fail('UNAVAILABLE', `the forwarder has not numbered the punt class '${puntClass}' yet`);
    return number;
  }

  /** One frame of the punt socket: records of any of the plugin's classes. */
  receive(batch: Buffer): void {
    const byClass = new Map<number, PuntRecord[]>();
    for (const record of readPunts(batch)) {
      const records = byClass.get(record.puntClass);
      if (records === undefined) byClass.set(record.puntClass, [record]);
      else records.push(record);
    }
    for (const [number, records] of byClass) {
      const name = this.#names.get(number) ?? '';
      this.#traffic.punted(name, records.length);
      this.#handlers.get(name)?.(records);
    }
  }

  #check(puntClass: string): void {
    if (this.#declared.has(puntClass)) return;
    throw fail('NOT_FOUND', `'${puntClass}' is not a punt class of this plugin`, 'declare it in definePlugin({puntClasses: [...]})');
  }
}
