/** From a document somebody wrote to an object that may be applied: metadata checked, spec checked and filled with defaults. */
import {
  apiVersion,
  defaultProject,
  type FieldError,
  fail,
  formatKey,
  type ObjectKey,
  type WeftFailure,
} from '../../contract/system/index.ts';
import { type Finding, nameProblem, nameRule, type RegisteredKind, type Registry, suggestion, typeName } from '../registry/index.ts';
import { parseOwners } from './owner-input.ts';
import { escapeToken, isRecord } from './plain-data.ts';

/** The revision that an object must have, or whether it must be there at all. */
export type Precondition = number | 'present' | 'absent';

/** An object as wanted, complete but for what the system adds. Plain data: it may cross a thread. */
export interface Wanted {
  readonly key: ObjectKey;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly shared: boolean;
  /** Absent: the document said nothing of them. */
  readonly owners?: readonly ObjectKey[];
  /** What an object had that comes back: its owner may give it the same again. */
  readonly status?: Readonly<Record<string, unknown>>;
  /** What must hold for this change to be made. */
  readonly ifMatch?: Precondition;
  /** Refuse when the object exists. */
  readonly mustBeNew?: boolean;
}

type Parsed = { readonly wanted: Wanted } | { readonly errors: readonly FieldError[] };

const maxObjects = 20_000;
/** Findings in one answer: the rest helps nobody. */
export const maxErrors = 200;

const documentFields = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];
const writableMetadata = ['name', 'project', 'labels', 'shared'];
/** What the system writes: taken and dropped, so that what `get -o yaml` printed may be applied again. */
const readOnlyMetadata = ['uid', 'revision', 'generation', 'createdAt', 'finalizers', 'deletedAt', 'managedBy'];
/** Taken from plugins; from others only as it is. */
const ownerMetadata = 'ownerReferences';
const labelPattern = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,125}[A-Za-z0-9])?$/;

/**
 * All documents of one request.
 * @param project of objects that name none
 * @throws INVALID with every finding; TOO_LARGE
 */
export function parseInputs(registry: Registry, documents: readonly unknown[], project?: string): Wanted[] {
  if (documents.length > maxObjects) {
    throw fail(
      'TOO_LARGE',
      `${documents.length} objects in one request, at most ${maxObjects} are taken`,
      'split it into several requests',
    );
  }
  const errors: FieldError[] = [];
  const wanted = new Map<string, Wanted>();
  for (const [index, document] of documents.entries()) {
    const parsed = parseInput(registry, document, index, project);
    if ('errors' in parsed) errors.push(...parsed.errors);
    else {
      const object = formatKey(parsed.wanted.key);
      if (wanted.has(object)) errors.push({ object, pointer: '', message: 'is given twice', fix: 'keep one of the two' });
      wanted.set(object, parsed.wanted);
    }
    if (errors.length >= maxErrors) break;
  }
  if (errors.length > 0) throw invalid(errors);
  return [...wanted.values()];
}

/** Findings as one failure, whose message is the first of them. */
export function invalid(errors: readonly FieldError[], code: 'INVALID' | 'REFERENCED' | 'CONFLICT' | 'FORBIDDEN' = 'INVALID'): WeftFailure {
  const [first] = errors;
  const where = `${first?.object ?? ''}${first?.pointer ? ` ${first.pointer}` : ''}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return fail(code, `${where}: ${first?.message ?? 'refused'}${more}`, first?.fix, errors.slice(0, maxErrors));
}

/** @param index position in the request, named in messages while the object has no name */
function parseInput(registry: Registry, document: unknown, index: number, project = defaultProject): Parsed {
  const anonymous = `object ${index + 1}`;
  if (!isRecord(document)) {
    return refuse(anonymous, [
      { pointer: '', message: `must be an object, is ${typeName(document)}`, fix: 'write kind, metadata and spec' },
    ]);
  }
  const kind = typeof document.kind === 'string' ? registry.find(document.kind) : undefined;
  if (kind === undefined || kind.spec.kind !== document.kind) return refuse(anonymous, [kindFinding(registry, document.kind)]);
  const metadata = document.metadata;
  if (!isRecord(metadata)) {
    const message = metadata === undefined ? 'is required' : `must be an object, is ${typeName(metadata)}`;
    return refuse(`${kind.spec.kind} (${anonymous})`, [{ pointer: '/metadata', message, fix: 'add "metadata": {"name": …}' }]);
  }
  const findings = [...documentFindings(document), ...metadataFindings(metadata, kind)];
  const { value: spec, findings: specFindings } = kind.validate(document.spec ?? {});
  findings.push(...specFindings.map((finding) => ({ ...finding, pointer: `/spec${finding.pointer}` })));
  const key = keyFor(kind, metadata, project);
  const said = metadata[ownerMetadata] === undefined ? undefined : parseOwners(registry, metadata[ownerMetadata], key.project);
  findings.push(...(said?.findings ?? []));
  const usable = nameProblem(metadata.name) === null;
  if (findings.length > 0) return refuse(usable ? formatKey(key) : `${kind.spec.kind} (${anonymous})`, findings);
  return {
    wanted: {
      key,
      spec: spec as Record<string, unknown>,
      labels: (metadata.labels ?? {}) as Record<string, string>,
      shared: metadata.shared === true,
      ...(said === undefined ? {} : { owners: said.owners }),
      ...(metadata.revision === undefined ? {} : { ifMatch: metadata.revision as number }),
    },
  };
}

function keyFor(kind: RegisteredKind, metadata: Record<string, unknown>, project: string): ObjectKey {
  const name = textOf(metadata.name);
  if (kind.spec.scope === 'system') return { kind: kind.spec.kind, name };
  return { kind: kind.spec.kind, project: textOf(metadata.project ?? project), name };
}

function kindFinding(registry: Registry, given: unknown): Finding {
  const kinds = registry.kinds.map(({ spec }) => spec.kind);
  if (given === undefined) return { pointer: '/kind', message: 'is required', fix: `add "kind": one of ${kinds.sort().join(', ')}` };
  if (typeof given !== 'string')
    return { pointer: '/kind', message: `must be text, is ${typeName(given)}`, fix: `one of ${kinds.sort().join(', ')}` };
  const meant = registry.find(given);
  const fix = meant === undefined ? suggestion(given, kinds, 'kind') : `write "${meant.spec.kind}"`;
  return { pointer: '/kind', message: `there is no kind "${given.slice(0, 80)}"`, fix };
}

function documentFindings(document: Record<string, unknown>): Finding[] {
  const findings = unknownFields(document, documentFields, '');
  if (document.apiVersion !== undefined && document.apiVersion !== apiVersion) {
    const message = `"${textOf(document.apiVersion).slice(0, 80)}" is not served`;
    findings.push({ pointer: '/apiVersion', message, fix: `write "${apiVersion}", or leave it out` });
  }
  return findings;
}

function metadataFindings(metadata: Record<string, unknown>, kind: RegisteredKind): Finding[] {
  const findings = unknownFields(metadata, [...writableMetadata, ...readOnlyMetadata, ownerMetadata], '/metadata', writableMetadata);
  const { name, project, shared, revision } = metadata;
  const badName = name === undefined ? 'is required' : nameProblem(name);
  if (badName !== null) findings.push({ pointer: '/metadata/name', message: badName, fix: `give a name of ${nameRule}` });
  if (project !== undefined) findings.push(...projectFindings(project, kind));
  if (shared !== undefined && typeof shared !== 'boolean') {
    findings.push({ pointer: '/metadata/shared', message: `must be true or false, is ${typeName(shared)}`, fix: 'write true or false' });
  }
  if (revision !== undefined && !(Number.isSafeInteger(revision) && (revision as number) >= 0)) {
    const fix = 'give the revision that the object must have, or leave it out';
    findings.push({ pointer: '/metadata/revision', message: 'must be a whole number', fix });
  }
  return [...findings, ...labelFindings(metadata.labels)];
}

function projectFindings(project: unknown, kind: RegisteredKind): Finding[] {
  const pointer = '/metadata/project';
  if (kind.spec.scope === 'system') {
    return [{ pointer, message: `${kind.spec.kind} belongs to no project`, fix: 'leave metadata.project out' }];
  }
  const problem = nameProblem(project);
  return problem === null ? [] : [{ pointer, message: problem, fix: `give the name of a project: ${nameRule}` }];
}

function labelFindings(labels: unknown): Finding[] {
  if (labels === undefined) return [];
  if (!isRecord(labels)) {
    return [{ pointer: '/metadata/labels', message: `must be an object, is ${typeName(labels)}`, fix: 'write "labels": {"key": "value"}' }];
  }
  return Object.entries(labels).flatMap(([label, value]) => {
    const pointer = `/metadata/labels/${escapeToken(label.slice(0, 80))}`;
    if (!labelPattern.test(label)) {
      return [
        {
          pointer,
          message: 'is not a valid label',
          fix: 'use 1–127 letters, digits, ".", "_", "/" and "-", first and last a letter or a digit',
        },
      ];
    }
    if (typeof value === 'string' && value.length <= 255) return [];
    return [{ pointer, message: 'must be text of at most 255 characters', fix: 'quote the value, or shorten it' }];
  });
}

function unknownFields(value: Record<string, unknown>, known: readonly string[], pointer: string, offered = known): Finding[] {
  return Object.keys(value)
    .filter((field) => !known.includes(field))
    .map((field) => ({
      pointer: `${pointer}/${escapeToken(field.slice(0, 80))}`,
      message: `unknown field "${field.slice(0, 80)}"`,
      fix: suggestion(field, offered, 'field'),
    }));
}

function refuse(object: string, findings: readonly Finding[]): Parsed {
  return { errors: findings.map((finding) => ({ object, ...finding })) };
}

/** Of what should be text: an object may well be one that cannot be turned into it. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeName(value);
}
