/** Objects as tests of this plugin need them. */
import type { Flow, Port, PortSpec } from '@weft/kernel/contract/net';
import { formatKey, keyOf, type ObjectKey, type WeftObject } from '@weft/kernel/contract/system';
import { makeObject } from '@weft/kernel/sdk/testing';
import type { Denial } from '../denials/denial.ts';
import type { SecurityGroup, SecurityRule } from '../kinds.ts';

export type GivenRule = Omit<SecurityRule, 'protocol'> & { readonly protocol?: SecurityRule['protocol'] };

/** Defaults are filled, as the kernel does. */
export function rulesOf(rules: readonly GivenRule[]): SecurityRule[] {
  return rules.map((rule) => ({ protocol: 'any', ...rule }));
}

/** `NAME` of project default, or PROJECT/NAME. */
export function group(name: string, id: number, rules: readonly GivenRule[] = []): SecurityGroup {
  const status = { id, phase: 'Active', rules: rules.length };
  return makeObject<SecurityGroup>('SecurityGroup', nameOf(name), { rules: rulesOf(rules) }, { project: projectOf(name), status });
}

export function port(name: string, id: number, groups?: readonly string[], spec: Partial<PortSpec> = {}): Port {
  const given = { network: 'red', portSecurity: true, binding: { type: 'none' }, ...spec } as const;
  const all = groups === undefined ? given : { ...given, securityGroups: groups };
  const status = { id, mac: '02:00:00:00:00:01', addresses: [], phase: 'Active', reason: '', since: '' };
  return makeObject<Port>('Port', nameOf(name), all, { project: projectOf(name), status });
}

export function project(name: string): WeftObject {
  return makeObject('Project', name, {}, { project: null, status: { uuid: 'b6ee4e3b-3f0c-4d11-9f1a-5d7bb0a6a1d2' } });
}

export function key(kind: 'Port' | 'SecurityGroup', name: string): ObjectKey {
  return { kind, project: projectOf(name), name: nameOf(name) };
}

/** Objects that a compiler may look at. */
export class Objects {
  readonly #objects = new Map<string, object>();

  readonly get = <T>(wanted: ObjectKey): T | undefined => this.#objects.get(formatKey(wanted)) as T | undefined;

  /** Returns the keys of what was put. */
  put(...objects: readonly (Port | SecurityGroup)[]): readonly ObjectKey[] {
    for (const object of objects) this.#objects.set(formatKey(keyOf(object)), object);
    return objects.map(keyOf);
  }

  remove(...keys: readonly ObjectKey[]): readonly ObjectKey[] {
    for (const one of keys) this.#objects.delete(formatKey(one));
    return keys;
  }

  keys(): readonly ObjectKey[] {
    return [...this.#objects.values()].map((object) => keyOf(object as Port));
  }
}

const projectOf = (name: string): string => (name.includes('/') ? (name.split('/')[0] ?? '') : 'default');
const nameOf = (name: string): string => name.split('/').at(-1) ?? '';

/** TCP 5432 from web1 (port 1) to db1 (port 2), which nothing allows. */
export function deniedFlow(given: Partial<Flow> = {}): Flow {
  const ends = { fromPort: 1, fromGeneration: 1, toPort: 2, toGeneration: 1 };
  const key = { protocol: 6, src: '10.1.0.1', dst: '10.1.0.2', srcPort: 40_000, dstPort: 5432 };
  const counts = { packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0, ageMs: 0, idleMs: 0 };
  const what = { event: 'denied', timeMs: 0, state: 'opening', action: 'deny', lastDrop: 'policy-denied' } as const;
  return { ...what, ...ends, ...key, ...counts, ...given };
}

export function denial(given: Partial<Denial> = {}): Denial {
  return {
    time: '2026-01-02T03:04:05.678Z',
    project: 'default',
    port: 'db1',
    direction: 'ingress',
    protocol: 'tcp',
    src: '10.1.0.1',
    srcPort: 40_000,
    dst: '10.1.0.2',
    dstPort: 22,
    reason: 'policy-denied',
    text: '',
    groups: ['db'],
    ...given,
  };
}
