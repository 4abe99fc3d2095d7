/** What plugins ask of the forwarder and how it answers; runs in the Worker. `relay-handlers.ts` says what the main isolate answers itself. */
import { setImmediate } from 'node:timers/promises';
import {
  type DropCount,
  type Flow,
  type ForwarderCalls,
  type PortStats,
  type RuleStats,
  type TraceStep,
  tables,
} from '@weft/kernel/contract/net';
import { fail, type InOf, type OutOf, type UnaryNames } from '@weft/kernel/contract/system';
import {
  type Forwarder,
  internalTables,
  type Flow as Packed,
  type RuleStats as PackedRule,
  type PortStats as PackedStats,
  type Part,
} from '../binding/index.ts';
import { cutBatch, type Granted, grantedTables } from './batch.ts';
import { flowInWords, flowTables, packedFilter } from './flows.ts';
import { natBlocks, natEvents, natStats } from './nat.ts';
import { portState } from './port-watch.ts';
import type { PuntClasses } from './punt-classes.ts';
import { refusal } from './refusals.ts';
import type { Peers } from './relay.ts';
import { traceSteps } from './trace.ts';

/** In place of an owner's number. */
const everybody = 0;

/** Stays the same object while the plugin is a peer: a batch in progress holds on to it. */
interface Plugin {
  owner: number;
  granted: Granted;
  puntClasses: Readonly<Record<string, number>>;
  /** Bytes of operations that it has staged and not published. */
  staged: number;
}

/** All rows of a large appliance are a fraction of it. */
const mostStagedBytes = 128 * 1024 * 1024;

/** Flows of one answer, about. */
const flowsPerAnswer = 1_000;
/** Calls into C for one answer, each of which looks at some ten thousand flows: a filter that fits few asks again. */
const callsPerAnswer = 32;

interface Refused {
  readonly plugin: string;
  readonly reason: string;
}

/** Descriptors are handed over where the sockets are. */
type Elsewhere = 'service.socket' | 'service.namespace';
type Methods = {
  readonly [K in Exclude<UnaryNames<ForwarderCalls>, Elsewhere>]: (plugin: Plugin, input: InOf<ForwarderCalls, K>) => unknown;
};

export class Control {
  readonly #forwarder: Forwarder;
  readonly #classes: Pick<PuntClasses, 'set'>;
  readonly #plugins = new Map<string, Plugin>();
  /** Disabled, and nothing of them is left. */
  #swept: ReadonlySet<string> = new Set();
  readonly #methods: ReadonlyMap<string, (plugin: Plugin, input: never) => unknown>;

  constructor(forwarder: Forwarder, classes: Pick<PuntClasses, 'set'>) {
    this.#forwarder = forwarder;
    this.#classes = classes;
    this.#methods = new Map(Object.entries(this.#table()));
  }

  /** Grants and punt classes of all plugins that are peers now. A plugin whose classes are refused is left out and named in the result. */
  setPeers(peers: Peers): Refused[] {
    const refused: Refused[] = [];
    const former = new Map(this.#plugins);
    this.#plugins.clear();
    for (const [name, peer] of Object.entries(peers)) {
      try {
        const owner = this.#forwarder.ownerOpen(name);
        const puntClasses = this.#classes.set(name, peer.puntClasses);
        const granted = { tables: grantedTables(peer.grants.rows), puntClasses: new Set(Object.values(puntClasses)) };
        const known = former.get(name);
        // A Worker before this one may have left part of a batch.
        if (known === undefined) this.#forwarder.rowsForget(owner);
        this.#plugins.set(name, Object.assign(known ?? { staged: 0 }, { owner, granted, puntClasses }));
      } catch (thrown) {
        refused.push({ plugin: name, reason: reasonOf(thrown) });
      }
    }
    return refused;
  }

  /** Removes rows and punt classes of disabled plugins, each once; call it after `setPeers`. `swept`: rows by plugin, of those that had some. */
  sweep(disabled: readonly string[]): { readonly swept: Readonly<Record<string, number>>; readonly refused: Refused[] } {
    const gone = disabled.filter((name) => !this.#plugins.has(name));
    const news = gone.filter((name) => !this.#swept.has(name));
    const swept: Record<string, number> = {};
    const refused: Refused[] = [];
    for (const plugin of news) {
      try {
        const rows = this.#sweep(plugin);
        if (rows > 0) swept[plugin] = rows;
      } catch (thrown) {
        refused.push({ plugin, reason: reasonOf(thrown) });
      }
    }
    this.#swept = new Set(gone.filter((name) => refused.every(({ plugin }) => plugin !== name)));
    return { swept, refused };
  }

  #sweep(plugin: string): number {
    const owner = this.#forwarder.ownerOpen(plugin);
    this.#classes.set(plugin, []);
    // By a new generation: nothing more comes of a batch in progress.
    return this.#forwarder.rowsCommit(owner, this.#forwarder.rowsBegin(owner));
  }

  /** Rejects with WeftFailure. */
  async call(peer: string, method: string, input: unknown): Promise<unknown> {
    const plugin = this.#plugins.get(peer);
    if (plugin === undefined) throw fail('UNAVAILABLE', `plugin ${peer} is not known here`, 'restart it: weft plugin restart NAME');
    const handler = this.#methods.get(method);
    if (handler === undefined) throw fail('NOT_FOUND', `no method '${method}' on this channel`);
    try {
      return await handler(plugin, (input ?? {}) as never);
    } catch (thrown) {
      throw refusal(thrown);
    }
  }

  #table(): Methods {
    const forwarder = this.#forwarder;
    return {
      hello: ({ puntClasses }) => ({ epoch: String(forwarder.state().epoch), puntClasses }),
      'rows.begin': (plugin) => ({ generation: forwarder.rowsBegin(plugin.owner) }),
      'rows.apply': (plugin, input) => this.#apply(plugin, input),
      'rows.commit': (plugin, { generation }) => ({ swept: forwarder.rowsCommit(plugin.owner, generation) }),
      'rows.clear': (plugin) => ({ swept: forwarder.rowsClear(plugin.owner) }),
      'rows.read': (plugin, { table }) => ({ rows: forwarder.rowsRead(internalTables.includes(table) ? everybody : plugin.owner, table) }),
      'ports.trace': (plugin, { port, frame }) => ({ steps: this.#trace(plugin, port, frame) }),
      'ports.read': () => ({ ports: forwarder.portsRead().map(portState) }),
      'stats.read': (_plugin, { ports }) => ({ ports: pick(forwarder.statsRead(), ports, (port) => port.id).map(portStats) }),
      'flows.read': (plugin, input) => this.#flows(plugin, input),
      'flows.stats': (plugin) => {
        assertSeesFlows(plugin);
        return numbersOf(forwarder.flowStatsRead());
      },
      'nat.stats': (plugin) => {
        assertSeesNat(plugin);
        return natStats(forwarder);
      },
      'nat.blocks': (plugin, input) => {
        assertSeesNat(plugin);
        return natBlocks(forwarder, input);
      },
      'nat.events': (plugin, input) => {
        assertSeesNat(plugin);
        return natEvents(forwarder, input);
      },
      'rules.stats': (plugin) => this.#ruleStats(plugin),
      'drops.read': (_plugin, { ports }) => ({
        drops: pick(forwarder.dropsRead(), ports, (drop) => drop.port).map(
          (drop): DropCount => ({
            port: drop.port,
            reason: forwarder.dropName(drop.reason),
            packets: Number(drop.packets),
            bytes: Number(drop.bytes),
          }),
        ),
      }),
    };
  }

  #trace(plugin: Plugin, port: number, frame: Buffer): TraceStep[] {
    if (!plugin.granted.tables.has(tables.port.number))
      throw fail('FORBIDDEN', 'this plugin may not trace', 'only the plugin that writes rows of table port may');
    const pluginOf = (owner: number): string => [...this.#plugins].find(([, known]) => known.owner === owner)?.[0] ?? '';
    return traceSteps(this.#forwarder, port, bytesOf(frame, 'frame'), pluginOf);
  }

  async #flows(plugin: Plugin, { filter, cursor = 0 }: InOf<ForwarderCalls, 'flows.read'>): Promise<OutOf<ForwarderCalls, 'flows.read'>> {
    assertSeesFlows(plugin);
    const wanted = packedFilter(filter ?? {});
    const flows: Flow[] = [];
    let next: number | undefined = cursor;
    for (let call = 0; next !== undefined && call < callsPerAnswer && flows.length < flowsPerAnswer; call++) {
      // Other plugins' calls and a stop may come in between.
      if (call > 0) await setImmediate();
      const part: Part<Packed> = this.#forwarder.flowsRead(wanted, next);
      for (const flow of part.records) flows.push(flowInWords(flow, this.#forwarder));
      next = part.cursor;
    }
    return { flows, ...(next === undefined ? {} : { cursor: next }) };
  }

  async #ruleStats(plugin: Plugin): Promise<OutOf<ForwarderCalls, 'rules.stats'>> {
    assertSeesFlows(plugin);
    const rules: RuleStats[] = [];
    for (let next: number | undefined = 0; next !== undefined; await setImmediate()) {
      const part: Part<PackedRule> = this.#forwarder.ruleStatsRead(next);
      for (const rule of part.records) rules.push(numbersOf(rule));
      next = part.cursor;
    }
    return { rules };
  }

  /** Atomic however many parts it takes: all but the last are staged, and a refusal of any forgets all. */
  async #apply(plugin: Plugin, input: InOf<ForwarderCalls, 'rows.apply'>): Promise<OutOf<ForwarderCalls, 'rows.apply'>> {
    const { generation, more = false } = input;
    let changed = 0;
    try {
      const ops = bytesOf(input.ops, 'ops');
      plugin.staged += ops.length;
      if (plugin.staged > mostStagedBytes)
        throw fail('TOO_LARGE', `more than ${mostStagedBytes} bytes of operations are staged`, 'publish them: leave out `more`');
      const parts = cutBatch(ops, plugin.granted);
      for (const [index, part] of parts.entries()) {
        const last = index === parts.length - 1;
        // Other plugins' calls and a stop may come in between.
        if (index > 0) await setImmediate();
        changed += this.#applyPart(plugin, generation, part.ops, part.first, !last || more);
      }
    } catch (thrown) {
      // What was staged before a batch that is refused here must not be published by a later one.
      this.#forwarder.rowsForget(plugin.owner);
      plugin.staged = 0;
      throw thrown;
    }
    if (!more) plugin.staged = 0;
    return { changed };
  }

  #applyPart(plugin: Plugin, generation: number, ops: Buffer, first: number, more: boolean): number {
    try {
      return this.#forwarder.rowsApply(plugin.owner, generation, ops, more);
    } catch (thrown) {
      throw refusal(thrown, first === 0 ? '' : `counting from operation ${first}: `);
    }
  }
}

function assertSeesFlows({ granted }: Plugin): void {
  if (flowTables.some((table) => granted.tables.has(tables[table].number))) return;
  throw fail('FORBIDDEN', 'this plugin may not look at flows', 'only plugins that write rows of table port or rule may');
}

function assertSeesNat({ granted }: Plugin): void {
  if (granted.tables.has(tables.nat_address.number)) return;
  throw fail('FORBIDDEN', 'this plugin may not look at shared addresses', 'only plugins that write rows of table nat_address may');
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function bytesOf(value: unknown, name: string): Buffer {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} must be bytes`);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function pick<T>(records: readonly T[], ports: readonly number[] | undefined, portOf: (record: T) => number): readonly T[] {
  if (ports === undefined) return records;
  const wanted = new Set(ports);
  return records.filter((record) => wanted.has(portOf(record)));
}

function portStats(packed: PackedStats): PortStats {
  const { generation: _generation, ...stats } = packed;
  return numbersOf(stats);
}

/** Counters as the bus has them. */
function numbersOf<T extends object>(packed: T): { [K in keyof T]: number } {
  return Object.fromEntries(Object.entries(packed).map(([name, value]) => [name, Number(value)])) as { [K in keyof T]: number };
}
