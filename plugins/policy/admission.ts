/** Decides about SecurityGroups: rules that make no sense are refused by field; groups get their numbers. */
import { isDeepStrictEqual } from 'node:util';
import { type AdmissionReply, type AdmissionRequest, type FieldError, formatKey, keyOf } from '@weft/kernel/contract/system';
import type { SecurityGroup } from './kinds.ts';
import type { KnownGroups } from './known-groups.ts';
import { rowCount } from './rule.ts';
import { ruleProblems } from './rule-problems.ts';

/** Rows of table `rule` that fit into the forwarder, with some room left for what changes. */
const mostRows = 500_000;
/** More findings help nobody. */
const mostFindings = 100;

type Written = { readonly before: SecurityGroup | null; readonly after: SecurityGroup };

export function admit({ changes }: AdmissionRequest, known: KnownGroups): AdmissionReply {
  const written = changes.flatMap(({ key, before, after }) =>
    key.kind === 'SecurityGroup' && after !== null ? [{ before, after } as unknown as Written] : [],
  );
  const refusals = [...written.flatMap(({ after }) => problemsOf(after)), ...tooMany(written, known)];
  if (refusals.length > 0) return { patches: [], refusals: refusals.slice(0, mostFindings) };
  const numbers = known.numbers();
  const patches = written.flatMap(({ before, after }) => {
    const { rules } = after.spec;
    if (before !== null && isDeepStrictEqual(before.spec, after.spec)) return [];
    const id = before?.status.id ?? numbers.next().value;
    return [{ key: keyOf(after), status: { id, phase: 'Pending', rules: rules.length } }];
  });
  return { patches, refusals: [] };
}

function problemsOf(group: SecurityGroup): readonly FieldError[] {
  const object = formatKey(keyOf(group));
  return group.spec.rules.flatMap((rule, index) =>
    ruleProblems(rule).map(({ field, message, fix }) => ({ object, pointer: `/spec/rules/${index}${field}`, message, fix })),
  );
}

function tooMany(written: readonly Written[], known: KnownGroups): readonly FieldError[] {
  const last = written.at(-1)?.after;
  const rows = written.reduce(
    (sum, { before, after }) => sum + rowCount(after.spec.rules) - rowCount(before?.spec.rules ?? []),
    known.rows,
  );
  if (last === undefined || rows <= mostRows || rows <= known.rows) return [];
  const message = `all groups together would have ${rows} rules (one for IPv4 and IPv6 counts twice), at most ${mostRows} fit`;
  return [{ object: formatKey(keyOf(last)), pointer: '/spec/rules', message, fix: 'name groups as remotes instead of many prefixes' }];
}
