/** What an object is the only one for: Metadata for its scope, InstanceData for its port. */
import { formatKey, keyOf, referencedKey, type WeftObject } from '@weft/kernel/contract/system';
import type { InstanceData, Metadata } from './kinds.ts';

type Claimant = Metadata | InstanceData;

export function isClaimant(object: WeftObject<object, object>): object is Claimant {
  return object.kind === 'Metadata' || object.kind === 'InstanceData';
}

/** Of Metadata for a network, or for all of a project when `network` is left out. */
export function scopeClaim(project: string | undefined, network?: string): string {
  return network === undefined ? `scope ${project}` : `scope ${project}/${network}`;
}

/** @param port as `formatKey` writes it */
export function portClaim(port: string): string {
  return `data ${port}`;
}

export function claimOf(object: Claimant): string {
  const { project } = object.metadata;
  if (object.kind === 'Metadata') return scopeClaim(project, (object as Metadata).spec.scope.network);
  return portClaim(formatKey(referencedKey('Port', (object as InstanceData).spec.port, project)));
}

/** Who has which claim. To be told of every change. */
export class Claims {
  readonly #holders = new Map<string, Claimant>();

  follow(before: WeftObject<object, object> | undefined, after: WeftObject<object, object> | undefined): void {
    if (before !== undefined && isClaimant(before)) {
      const claim = claimOf(before);
      const holder = this.#holders.get(claim);
      // another object may have taken it over in the same change
      if (holder !== undefined && formatKey(keyOf(holder)) === formatKey(keyOf(before))) this.#holders.delete(claim);
    }
    if (after !== undefined && isClaimant(after)) this.#holders.set(claimOf(after), after);
  }

  get<T extends Claimant>(claim: string): T | undefined {
    return this.#holders.get(claim) as T | undefined;
  }
}
