/**
 * SecurityGroups and Ports as rows: `rule`, `identity_group` and `port_identity`. Kept by what changes: a port costs its own row, and those of an
 * identity when it is the first to have it; a rule costs its own. Pure: it knows objects and rows, and what it made of them before.
 */
import type { IdentityGroupRow, Port, PortIdentityRow, Row, RuleRow } from '@weft/kernel/contract/net';
import type { ObjectKey } from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';
import { defaultRules } from '../default-group.ts';
import type { SecurityGroup, SecurityRule } from '../kinds.ts';
import { ruleContents } from '../rule.ts';
import { GroupRules, type RowChange } from './group-rules.ts';
import { Identities, type Identity, type Membership } from './identities.ts';
import { groupsOf, isDefault, keyOfGroup, resolve, scopedKey } from './names.ts';
import { ReverseIndex } from './reverse-index.ts';

/** What the forwarder has of an earlier life: numbers that stay what they are. */
export interface KnownRows {
  readonly rules: readonly RuleRow[];
  readonly groups: readonly IdentityGroupRow[];
  readonly ports: readonly PortIdentityRow[];
}

interface Group {
  readonly number: number;
  readonly rules: GroupRules;
}

interface PlacedPort {
  readonly id: number;
  readonly identity: Identity;
  /** Equal for equal groups. */
  readonly groups: string;
}

/** Security groups are asked in a gate of their own; see docs/decisions/0019-policy.md. */
const securityGate = 1;
/** Numbers of groups that are no objects: the group `default` of a project before the object is there. No object has such a number. */
const firstOwnNumber = 2 ** 31;

export class Compiler {
  readonly #objects: Pick<ObjectCache, 'get'>;
  readonly #identities: Identities;
  /** Rules of an earlier life, by group. */
  #known: ReadonlyMap<number, readonly RuleRow[]>;
  readonly #groups = new Map<string, Group>();
  readonly #ports = new Map<string, PlacedPort>();
  /** Who has the row of a port number: it may belong to another object already. */
  readonly #holders = new Map<number, string>();
  /** Which groups ports follow, and which groups the rules of a group name. */
  readonly #members = new ReverseIndex();
  readonly #named = new ReverseIndex();
  /** Ports without an identity, for want of room. */
  readonly #waiting = new Set<string>();
  readonly #ownNumbers = new Map<string, number>();
  #nextOwnNumber = firstOwnNumber;

  constructor(objects: Pick<ObjectCache, 'get'>, known: KnownRows = { rules: [], groups: [], ports: [] }) {
    this.#objects = objects;
    this.#identities = new Identities(known.groups, known.ports);
    this.#known = Map.groupBy(known.rules, ({ group }) => group);
  }

  /** Ports that are closed because there is no room for another identity. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get counts(): {
    readonly groups: number;
    readonly identities: number;
    readonly rules: number;
    readonly members: number;
    readonly ports: number;
  } {
    const rules = this.#groups.values().reduce((sum, group) => sum + group.rules.size, 0);
    return {
      groups: this.#groups.size,
      identities: this.#identities.size,
      rules,
      members: this.#identities.rows,
      ports: this.#ports.size,
    };
  }

  /** All rows that are wanted now. */
  *rows(): Generator<Row> {
    for (const { rules } of this.#groups.values()) yield* rules.rows();
    for (const identity of this.#identities.list()) yield* memberRows(identity);
    for (const { id, identity } of this.#ports.values()) yield { table: 'port_identity', port: id, identity: identity.number };
  }

  /** The first rows, from all objects. */
  begin(keys: readonly ObjectKey[]): readonly Row[] {
    this.update(keys);
    this.#identities.forget();
    this.#known = new Map();
    return [...this.rows()];
  }

  /** Rows that differ now that these objects have changed: to be published at once, together. */
  update(changed: readonly ObjectKey[]): RowChange {
    const change: RowChange = { upserts: [], deletes: [] };
    const ports = new Set(changed.filter(({ kind }) => kind === 'Port').map(scopedKey));
    const groups = new Set(changed.filter(({ kind }) => kind === 'SecurityGroup').map(scopedKey));
    for (const port of ports) this.#noteMember(port, groups);
    // A group may name others that are not objects yet, and those no more.
    for (const group of groups) this.#noteNames(group, groups);
    const renumbered = [...groups].filter((group) => this.#number(group, change));
    for (const group of renumbered) {
      for (const port of this.#members.of(group)) ports.add(port);
      for (const other of this.#named.of(group)) groups.add(other);
    }
    for (const group of groups) this.#compileRules(group, change);
    this.#compilePorts(ports, change);
    return change;
  }

  /** Number of a group in rows; undefined: there is none. */
  numberOf(group: string): number | undefined {
    return this.#groups.get(group)?.number;
  }

  /** Numbers of the rows that a rule of a group has become. */
  rowNumbers(group: string, rule: SecurityRule): readonly number[] {
    const known = this.#groups.get(group);
    return this.#contents(group, [rule]).flatMap((content) => known?.rules.numberOf(content) ?? []);
  }

  #noteMember(name: string, groups: Set<string>): void {
    const [project = '', port = ''] = name.split('/');
    const object = this.#objects.get<Port>({ kind: 'Port', project, name: port });
    for (const group of this.#members.set(name, object === undefined ? [] : groupsOf(object))) if (isDefault(group)) groups.add(group);
  }

  #noteNames(group: string, groups: Set<string>): void {
    const rules = this.#object(group)?.spec.rules ?? (this.#isImplied(group) ? defaultRules : []);
    const project = keyOfGroup(group).project;
    const named = new Set(rules.flatMap(({ remote }) => (remote?.group === undefined ? [] : [resolve(project, remote.group)])));
    for (const other of this.#named.set(group, [...named])) if (isDefault(other)) groups.add(other);
  }

  /** Gives a group the number that it has now. Returns whether that is another one than before. */
  #number(group: string, change: RowChange): boolean {
    const before = this.#groups.get(group);
    const object = this.#object(group);
    const number = object?.status.id ?? (this.#isImplied(group) ? this.#ownNumber(group) : undefined);
    if (object !== undefined) this.#ownNumbers.delete(group);
    if (number === before?.number) return false;
    before?.rules.update([], change);
    if (number === undefined) this.#groups.delete(group);
    else this.#groups.set(group, { number, rules: new GroupRules(number, this.#known.get(number)) });
    return true;
  }

  #compileRules(name: string, change: RowChange): void {
    this.#groups.get(name)?.rules.update(this.#contents(name, this.#object(name)?.spec.rules ?? defaultRules), change);
  }

  #contents(group: string, rules: readonly SecurityRule[]): ReturnType<typeof ruleContents> {
    const { project } = keyOfGroup(group);
    return rules.flatMap((rule) => ruleContents(rule, (reference) => this.#groups.get(resolve(project, reference))?.number));
  }

  #compilePorts(ports: ReadonlySet<string>, change: RowChange): void {
    const released: Identity[] = [];
    for (const port of ports) this.#compilePort(port, released, change);
    // After the new ones: an identity that only changes hands stays.
    const gone = released.filter((identity) => this.#identities.release(identity));
    for (const { number, memberships } of gone)
      for (const { group } of memberships) change.deletes.push({ table: 'identity_group', identity: number, group });
    if (gone.length === 0) return;
    for (const port of [...this.#waiting]) this.#compilePort(port, [], change);
  }

  #compilePort(name: string, released: Identity[], change: RowChange): void {
    this.#waiting.delete(name);
    const [project = '', short = ''] = name.split('/');
    const object = this.#objects.get<Port>({ kind: 'Port', project, name: short });
    const before = this.#ports.get(name);
    const names = object === undefined ? [] : groupsOf(object);
    if (object === undefined || names.length === 0) {
      this.#remove(name, before, released, change);
      return;
    }
    const memberships = this.#memberships(names);
    const groups = memberships.map(({ group }) => group).join(' ');
    const { id } = object.status;
    if (before?.id === id && before.groups === groups) return;
    const taken = this.#identities.take(memberships);
    if (taken === undefined) this.#waiting.add(name);
    this.#remove(name, before, released, change);
    if (taken === undefined) return;
    if (taken.isNew) change.upserts.push(...memberRows(taken.identity));
    this.#ports.set(name, { id, identity: taken.identity, groups });
    this.#holders.set(id, name);
    change.upserts.push({ table: 'port_identity', port: id, identity: taken.identity.number });
  }

  #remove(name: string, before: PlacedPort | undefined, released: Identity[], change: RowChange): void {
    if (before === undefined) return;
    this.#ports.delete(name);
    released.push(before.identity);
    if (this.#holders.get(before.id) !== name) return;
    this.#holders.delete(before.id);
    change.deletes.push({ table: 'port_identity', port: before.id });
  }

  /** A group that is not there, as after a forced delete, counts for nothing: what it allowed is closed. */
  #memberships(groups: readonly string[]): readonly Membership[] {
    const numbers = new Set(groups.flatMap((group) => this.#groups.get(group)?.number ?? []));
    return [...numbers].sort((a, b) => a - b).map((group) => ({ group, gate: securityGate }));
  }

  /** A group `default` that is no object, and that somebody follows or names. */
  #isImplied(group: string): boolean {
    if (!isDefault(group) || this.#object(group) !== undefined) return false;
    return this.#members.of(group).size > 0 || [...this.#named.of(group)].some((other) => other !== group);
  }

  #ownNumber(group: string): number {
    const number = this.#ownNumbers.get(group) ?? this.#nextOwnNumber++;
    this.#ownNumbers.set(group, number);
    return number;
  }

  #object(group: string): SecurityGroup | undefined {
    return this.#objects.get<SecurityGroup>(keyOfGroup(group));
  }
}

function memberRows({ number, memberships }: Identity): readonly IdentityGroupRow[] {
  return memberships.map(({ group, gate }) => ({ table: 'identity_group', identity: number, group, gate }));
}
