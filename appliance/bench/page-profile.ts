/** Where the instructions of a packet go, function by function. */
import { fixed, number, table } from './markdown.ts';
import type { Profile } from './result.ts';

/** Smaller ones are summed up. */
const leastShare = 0.03;
const unit = 'instructions';

function profileTable({ title, instructions, functions }: Profile): string {
  const share = (cost: number) => `${fixed((100 * cost) / instructions, 0)} %`;
  const large = functions.filter((one) => one.instructions >= leastShare * instructions);
  const rest = instructions - large.reduce((sum, one) => sum + one.instructions, 0);
  const rows = large.map((one) => [`\`${one.name}\``, number(one.instructions, unit), share(one.instructions)]);
  return table(
    ['function', unit, 'share'],
    [...rows, ['all others', number(rest, unit), share(rest)], [`sum: ${title}`, number(instructions, unit), '']],
  );
}

/** The dearest functions of the first `cases`. */
export function profileSection(profiles: readonly Profile[], cases: readonly string[]): string {
  const shown = profiles.filter((profile) => cases.includes(profile.case));
  if (shown.length === 0) return '';
  return [
    '### Instructions by function',
    'Per packet, counted by callgrind; inlined functions count for themselves.',
    ...shown.map(profileTable),
  ].join('\n\n');
}
