/** Watches: every event after the revision that was asked for, once, in order, as the log has it. */
import { isDeepStrictEqual } from 'node:util';
import type { Chronicle } from './chronicle.ts';
import type { WatchRecord } from './record.ts';

interface Watched {
  readonly chronicle: Chronicle;
  readonly watches: readonly WatchRecord[];
}

export function watchProblems({ chronicle, watches }: Watched): string[] {
  const log = chronicle.transactions.flatMap(({ events }) => events);
  return watches.flatMap(({ since, kinds, heard }) => {
    const expected = log.filter(({ revision, object }) => revision > since && kinds.includes(object.kind));
    const at = expected.findIndex((event, index) => !isDeepStrictEqual(heard[index]?.event, event));
    if (at < 0 && heard.length === expected.length) return [];
    const place = at < 0 ? expected.length : at;
    const heardThere = heard[place]?.event;
    const got = heardThere === undefined ? 'nothing' : `revision ${heardThere.revision} ${JSON.stringify(heardThere).slice(0, 300)}`;
    return [`a watch of ${kinds.join(', ')} after ${since} heard ${got} where revision ${expected[place]?.revision ?? 'none'} was due`];
  });
}
