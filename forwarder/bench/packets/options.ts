/** The command line of main.ts. */
import { parseArgs } from 'node:util';
import { type BenchCase, cases, type Variant } from './cases.ts';

export interface Options {
  readonly quick: boolean;
  readonly rounds: { readonly many: number; readonly few: number };
  readonly only: readonly string[] | undefined;
  readonly contestants: readonly string[] | undefined;
  readonly json: string | undefined;
  readonly hugepages: boolean | undefined;
  readonly windowMs: number;
}

export const usage = `usage: node forwarder/bench/packets/main.ts [options]
  --quick               few cases, two rounds
  --rounds N            as many rounds of every case
  --only CASE[,CASE]    ${cases.map(({ id }) => id).join(', ')}, latency
  --contestants A[,B]   weft, testpmd, ovs; default: all that are installed
  --json FILE           writes the measurements there
  --hugepages yes|no    default: yes when the machine has room for 400 of 2 MB`;

const windows = { full: 1_200, quick: 1_000 } as const;
const manyRounds = 5;
const fewRounds = 3;
const quickRounds = 2;

/** Throws an Error with one sentence about what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string' },
      contestants: { type: 'string' },
      json: { type: 'string' },
      hugepages: { type: 'string' },
    },
  });
  return {
    quick: values.quick,
    rounds: roundsOf(values.rounds, values.quick),
    only: known('--only', values.only, [...cases.map(({ id }) => id), 'latency']),
    contestants: known('--contestants', values.contestants, ['weft', 'testpmd', 'ovs']),
    json: values.json,
    hugepages: yesOrNo(values.hugepages),
    windowMs: values.quick ? windows.quick : windows.full,
  };
}

function roundsOf(text: string | undefined, quick: boolean): Options['rounds'] {
  if (text === undefined) return quick ? { many: quickRounds, few: quickRounds } : { many: manyRounds, few: fewRounds };
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds is ${text}: give a whole number from 1`);
  return { many: rounds, few: rounds };
}

function known(option: string, text: string | undefined, words: readonly string[]): readonly string[] | undefined {
  const given = text?.split(',');
  const unknown = given?.find((word) => !words.includes(word));
  if (unknown !== undefined) throw new Error(`${option} has ${unknown}: there are ${words.join(', ')}`);
  return given;
}

function yesOrNo(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text !== 'yes' && text !== 'no') throw new Error(`--hugepages is ${text}: write yes or no`);
  return text === 'yes';
}

/** Cases with the variants that are asked for. A quick run has its own choice, unless cases were named. */
export function chosenCases({ only, quick }: Pick<Options, 'only' | 'quick'>): readonly BenchCase[] {
  const wanted = ({ quick: forQuick }: Variant) => !quick || only !== undefined || forQuick === true;
  return cases
    .filter(({ id }) => only?.includes(id) ?? true)
    .map((benchCase) => ({ ...benchCase, variants: benchCase.variants.filter(wanted) }))
    .filter(({ variants }) => variants.length > 0);
}
