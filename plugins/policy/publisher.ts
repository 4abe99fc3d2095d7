/** Brings what the objects want into the forwarder: all of it at the start, then what differs, each change at once. */
import { keyOf, type ObjectKey } from '@weft/kernel/contract/system';
import type { PluginContext } from '@weft/kernel/sdk';
import type { Compiler } from './compile/compiler.ts';
import type { Phases } from './phases.ts';

type Context = Pick<PluginContext<unknown>, 'objects' | 'rows' | 'alarm'>;

export class Publisher {
  readonly #context: Context;
  readonly #compiler: Compiler;
  readonly #phases: Phases;
  #waiting = 0;

  constructor(context: Context, compiler: Compiler, phases: Phases) {
    this.#context = context;
    this.#compiler = compiler;
    this.#phases = phases;
  }

  /** Resolves once the forwarder has the complete set. */
  async begin(): Promise<void> {
    const { objects, rows } = this.#context;
    const keys = ['SecurityGroup', 'Port'].flatMap((kind) => objects.list(kind).map(keyOf));
    await rows.replace(this.#compiler.begin(keys));
  }

  /** Resolves once the forwarder decides by what has changed. */
  async update(changed: readonly ObjectKey[]): Promise<void> {
    const groups = this.#phases.pending(changed);
    const { upserts, deletes } = this.#compiler.update(changed);
    if (upserts.length > 0 || deletes.length > 0) await this.#context.rows.update(upserts, deletes);
    // Not awaited: the next rows need not wait until the kernel has the status.
    void this.#phases.published(groups);
    this.#tellWaiting();
  }

  #tellWaiting(): void {
    const { waiting } = this.#compiler;
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    const text = `${waiting} ports are closed: they follow sets of groups that no others follow, and no more such sets fit; let ports share sets of groups`;
    const alarm = waiting === 0 ? null : ({ severity: 'critical', subject: 'policy', text } as const);
    void this.#context.alarm('identities', alarm);
  }
}
