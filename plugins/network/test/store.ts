/** The kernel's part of an apply, in memory: defaults from the schemas, one admission, all or nothing. */
import type { AdmissionReply, Change, FieldError, ObjectKey, WeftObject } from '@weft/kernel/contract/system';
import { formatKey } from '@weft/kernel/contract/system';
import { Value } from 'typebox/value';
import { admit } from '../admission/admit.ts';
import { Committed } from '../admission/committed.ts';
import { kinds } from '../kinds.ts';

export interface Wanted {
  readonly kind: string;
  readonly name: string;
  readonly project?: string;
  readonly spec: Record<string, unknown>;
}

export const settings = { mtu: 1500, firstVni: 5001, floodRate: 1000, policy: false };

export class Store {
  readonly objects = new Map<string, WeftObject>();
  /** What the forwarder is supposed to hold still. */
  readonly held = { ports: new Set<number>(), vrfs: new Set<number>() };
  readonly committed = new Committed();
  #revision = 0;

  list<T extends WeftObject<object, object> = WeftObject>(kind: string, project?: string): readonly T[] {
    return [...this.objects.values()].filter(
      (object) => object.kind === kind && (project === undefined || object.metadata.project === project),
    ) as unknown as T[];
  }

  get<T extends WeftObject<object, object> = WeftObject>(key: ObjectKey): T | undefined {
    return this.objects.get(formatKey(key)) as unknown as T | undefined;
  }

  /** Applies, or changes nothing and returns the refusals. */
  apply(wanted: readonly Wanted[], removed: readonly ObjectKey[] = []): readonly FieldError[] {
    const changes = this.changes(wanted, removed);
    const reply = this.decide(changes);
    if (reply.refusals.length > 0) return reply.refusals;
    const patches = new Map(reply.patches.map(({ key, status }) => [formatKey(key), status]));
    for (const { key } of changes.filter(({ after }) => after === null)) this.#put(key, undefined);
    for (const { key, after } of changes)
      if (after) this.#put(key, { ...after, status: { ...after.status, ...patches.get(formatKey(key)) } });
    return [];
  }

  changes(wanted: readonly Wanted[], removed: readonly ObjectKey[] = []): readonly Change[] {
    this.#revision += 1;
    return [...removed.flatMap((key) => this.#removal(key)), ...wanted.flatMap((each) => this.#change(each))];
  }

  decide(changes: readonly Change[], committed = this.committed): AdmissionReply {
    const request = { revision: this.#revision, dryRun: false, changes };
    return admit(request, { committed, config: settings, held: this.held, now: '2026-01-01T00:00:00.000Z' });
  }

  setStatus(key: ObjectKey, status: Record<string, unknown>): void {
    const object = this.objects.get(formatKey(key));
    if (object) this.#put(key, { ...object, status: { ...object.status, ...status } });
  }

  #put(key: ObjectKey, object: WeftObject | undefined): void {
    this.committed.note(this.objects.get(formatKey(key)), object);
    if (object) this.objects.set(formatKey(key), object);
    else this.objects.delete(formatKey(key));
  }

  #change(wanted: Wanted): readonly Change[] {
    const { kind, name, spec } = wanted;
    const key = keyOfWanted(wanted);
    const before = this.objects.get(formatKey(key)) ?? null;
    const schema = kinds.find((each) => each.kind === kind)?.spec ?? {};
    const filled = Value.Default(schema, structuredClone(spec)) as Record<string, unknown>;
    if (before && JSON.stringify(before.spec) === JSON.stringify(filled)) return [];
    const metadata = before?.metadata ?? {
      name,
      ...(key.project === undefined ? {} : { project: key.project }),
      uid: `${formatKey(key)}@${this.#revision}`,
      revision: this.#revision,
      generation: 1,
      createdAt: '',
    };
    const after: WeftObject = { apiVersion: 'weft/v1', kind, metadata, spec: filled, status: before?.status ?? {} };
    return [{ op: before ? 'update' : 'create', key, before, after }];
  }

  #removal(key: ObjectKey): readonly Change[] {
    const before = this.objects.get(formatKey(key));
    return before ? [{ op: 'delete', key, before, after: null }] : [];
  }
}

export function network(name: string, ...subnets: readonly (string | Record<string, unknown>)[]): Wanted {
  return { kind: 'VirtualNetwork', name, spec: { subnets: subnets.map((each) => (typeof each === 'string' ? { cidr: each } : each)) } };
}

export function port(name: string, spec: Record<string, unknown> = {}): Wanted {
  return { kind: 'Port', name, spec: { network: 'red', ...spec } };
}

export function trunk(name: string, binding: Record<string, unknown> = { type: 'none' }): Wanted {
  return { kind: 'Trunk', name, spec: { binding } };
}

export function router(name: string, ...networks: readonly string[]): Wanted {
  return { kind: 'LogicalRouter', name, spec: { networks } };
}

export function uplink(name: string, spec: Record<string, unknown> = {}): Wanted {
  const binding = { type: 'interface', interface: `up-${name}` };
  return { kind: 'Uplink', name, spec: { binding, addresses: ['192.0.2.1/24'], gateways: ['192.0.2.254'], ...spec } };
}

export function keyOfWanted({ kind, name, project = 'default' }: Wanted): ObjectKey {
  return kinds.find((each) => each.kind === kind)?.scope === 'system' ? { kind, name } : { kind, project, name };
}
