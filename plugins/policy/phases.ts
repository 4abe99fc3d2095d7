/** Keeps `status.phase` of groups true: Active once the forwarder decides by what is written. */
import { keyOf, type ObjectKey } from '@weft/kernel/contract/system';
import type { ObjectCache, PluginContext } from '@weft/kernel/sdk';
import type { SecurityGroup } from './kinds.ts';

export class Phases {
  readonly #objects: Pick<ObjectCache, 'get'>;
  readonly #setStatus: PluginContext<unknown>['setStatus'];

  constructor(objects: Pick<ObjectCache, 'get'>, setStatus: PluginContext<unknown>['setStatus']) {
    this.#objects = objects;
    this.#setStatus = setStatus;
  }

  /** The groups as they are now: their rows are about to be published. */
  pending(changed: readonly ObjectKey[]): readonly SecurityGroup[] {
    const groups = changed.filter(({ kind }) => kind === 'SecurityGroup').flatMap((key) => this.#objects.get<SecurityGroup>(key) ?? []);
    return groups.filter(({ status }) => status.phase !== 'Active');
  }

  /** The forwarder has the rows of these by now. One that has changed meanwhile waits for its next ones. */
  async published(groups: readonly SecurityGroup[]): Promise<void> {
    const done = groups.filter(({ kind, metadata }) => {
      const now = this.#objects.get<SecurityGroup>(keyOf({ kind, metadata }));
      return now?.metadata.uid === metadata.uid && now.metadata.generation === metadata.generation;
    });
    if (done.length === 0) return;
    await this.#setStatus(done.map((group) => ({ key: keyOf(group), status: { phase: 'Active', rules: group.spec.rules.length } })));
  }
}
