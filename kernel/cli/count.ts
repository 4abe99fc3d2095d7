/** Numbers as users write them. */
import { InvalidArgumentError } from 'commander';

/** A parser of whole numbers within these bounds. It throws commander's error, which names the option; `what` stands in it: `a number of lines`. */
export function countOf(what: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(count >= least && count <= most)) throw new InvalidArgumentError(`It must be ${what} from ${least} to ${most}.`);
    return count;
  };
}
