/** Decides about changes to Metadata and InstanceData. Acts on nothing outside. */
import {
  type AdmissionReply,
  type AdmissionRequest,
  type Change,
  type FieldError,
  formatKey,
  keyOf,
  type ObjectKey,
} from '@weft/kernel/contract/system';
import type { DeniedPrefixes, ObjectCache } from '@weft/kernel/sdk';
import { type Claims, claimOf, isClaimant } from './claims.ts';
import { type InstanceData, largestUserData, type Metadata } from './kinds.ts';
import { type FindSecret, type Problem, resolveNova, type Secret } from './proxy/nova.ts';

const largestDocument = 65_536;

type Claimant = Metadata | InstanceData;

/** @param now RFC 3339 */
export function admit(
  { changes }: AdmissionRequest,
  objects: Pick<ObjectCache, 'get'>,
  claims: Claims,
  denied: DeniedPrefixes,
  now: string,
): AdmissionReply {
  const written = changes.flatMap(({ after }) =>
    after !== null && after.metadata.deletedAt === undefined && isClaimant(after) ? [after] : [],
  );
  const find = secretsAfter(changes, objects);
  const refusals = [
    ...claimed(written, changes, claims),
    ...written.flatMap((object) => problemsOf(object, find, denied).map((problem) => refuse(object, problem))),
  ];
  const created = changes.flatMap(({ op, key }) => (op === 'create' && key.kind === 'Metadata' ? [key] : []));
  const patches = created.map((key) => ({ key, status: { phase: 'Active', reason: '', since: now } }));
  return refusals.length > 0 ? { patches: [], refusals } : { patches, refusals: [] };
}

/** Those that want what another one has, before the change or in it. */
function claimed(written: readonly Claimant[], changes: readonly Change[], claims: Claims): FieldError[] {
  const touched = new Set(changes.map(({ key }) => formatKey(key)));
  const taken = new Map<string, string>();
  return written.flatMap((object) => {
    const claim = claimOf(object);
    const committed = claims.get(claim);
    const held = committed && formatKey(keyOf(committed));
    const holder = taken.get(claim) ?? (held !== undefined && !touched.has(held) ? held : undefined);
    if (holder !== undefined) return [refuse(object, takenBy(object, holder))];
    taken.set(claim, formatKey(keyOf(object)));
    return [];
  });
}

function takenBy(object: Claimant, holder: string): Problem {
  if (object.kind === 'InstanceData')
    return { pointer: '/spec/port', message: `${holder} is for this port already`, fix: 'change that one, or delete it first' };
  const { network } = (object as Metadata).spec.scope;
  const what = network === undefined ? 'for the whole project' : 'for this network';
  const pointer = network === undefined ? '/spec/scope' : '/spec/scope/network';
  return { pointer, message: `${holder} is ${what} already`, fix: 'change that one, or name another network' };
}

function problemsOf(object: Claimant, find: FindSecret, denied: DeniedPrefixes): readonly Problem[] {
  return object.kind === 'Metadata' ? metadataProblems(object as Metadata, find, denied) : dataProblems(object as InstanceData);
}

function metadataProblems({ spec, metadata }: Metadata, find: FindSecret, denied: DeniedPrefixes): readonly Problem[] {
  if (spec.nova !== undefined) {
    const outcome = resolveNova(spec.nova, metadata.project, find, denied);
    return outcome.ok ? [] : [outcome.problem];
  }
  if (spec.mode !== 'proxy') return [];
  return [{ pointer: '/spec/nova', message: 'mode proxy needs to know where Nova is', fix: 'set nova.url and nova.secretRef' }];
}

function dataProblems({ spec }: InstanceData): readonly Problem[] {
  const { userData, userDataBase64, keys } = spec;
  const problems: Problem[] = [];
  if (userData !== undefined && userDataBase64 !== undefined)
    problems.push({ pointer: '/spec/userDataBase64', message: 'user data is given twice', fix: 'set userData or userDataBase64' });
  if (userData !== undefined && Buffer.byteLength(userData) > largestUserData)
    problems.push(tooLong('/spec/userData', Buffer.byteLength(userData)));
  if (userDataBase64 !== undefined) problems.push(...base64Problems(userDataBase64));
  for (const [index, key] of keys.entries())
    if (!/^\S+\s+[A-Za-z0-9+/]+=*(\s|$)/.test(key.trim()))
      problems.push({
        pointer: `/spec/keys/${index}`,
        message: 'this is no public SSH key',
        fix: 'write TYPE BASE64 COMMENT, as in a .pub file',
      });
  for (const field of ['vendorData', 'networkData'] as const) {
    const size = Buffer.byteLength(JSON.stringify(spec[field] ?? {}));
    if (size > largestDocument) problems.push(tooLong(`/spec/${field}`, size));
  }
  return problems;
}

function base64Problems(text: string): readonly Problem[] {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text)
    return [{ pointer: '/spec/userDataBase64', message: 'this is no base64', fix: 'encode the bytes with: base64 -w0 FILE' }];
  return bytes.length > largestUserData ? [tooLong('/spec/userDataBase64', bytes.length)] : [];
}

function tooLong(pointer: string, size: number): Problem {
  return { pointer, message: `it has ${size} bytes, at most ${largestUserData} are allowed`, fix: 'let the VM fetch the rest itself' };
}

function secretsAfter(changes: readonly Change[], objects: Pick<ObjectCache, 'get'>): FindSecret {
  const changed = new Map(changes.map(({ key, after }) => [formatKey(key), after] as const));
  return (key: ObjectKey) => {
    const after = changed.get(formatKey(key));
    return (after === undefined ? objects.get<Secret>(key) : after) as Secret | undefined;
  };
}

function refuse(object: Claimant, problem: Problem): FieldError {
  return { object: formatKey(keyOf(object)), ...problem };
}
