/** Collects what is wrong with a transaction. */
import type { FieldError, WeftObject } from '@weft/kernel/contract/system';
import { titleOf } from './world.ts';

/** A finding before it is tied to an object. */
export interface Problem {
  readonly pointer: string;
  readonly message: string;
  readonly fix: string;
}

export class Refusals {
  readonly list: FieldError[] = [];
  readonly #objects = new Set<string>();

  add(object: WeftObject<object, object>, pointer: string, message: string, fix: string): void {
    const title = titleOf(object);
    this.#objects.add(title);
    this.list.push({ object: title, pointer, message, fix });
  }

  addAll(object: WeftObject<object, object>, problems: readonly Problem[]): void {
    for (const { pointer, message, fix } of problems) this.add(object, pointer, message, fix);
  }

  /** True when the object itself has been refused already. */
  has(object: WeftObject<object, object>): boolean {
    return this.#objects.has(titleOf(object));
  }
}
