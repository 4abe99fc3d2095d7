/** The rows of a site, each said as plainly as it can be; the rules' by the numbers that the model has. */
import {
  deletionOf,
  formatIp,
  type IdentityGroupRow,
  type IpAddress,
  neighborFlags,
  nexthopTypes,
  type PortIdentityRow,
  packDelete,
  packUpsert,
  portFlags,
  type Row,
  type RuleRow,
  rowId,
  ruleActions,
  ruleDirections,
} from '@weft/kernel/contract/net';
import { gatewayMac, type Network, type Port } from '../model/forwarding.ts';
import type { Membership, Rule } from '../model/rules.ts';
import type { Site } from './scenario.ts';

const mtu = 1500;
const modes = { l2: 0, l3: 1, l2_l3: 2 } as const;
const nobody = '00:00:00:00:00:00';
const connectedSource = 10;
const any = { 4: '0.0.0.0', 6: '::' } as const;
const connected = 1000;

const nexthop = (id: number, port: number, bridge: number, mac: string): Row => ({
  table: 'nexthop',
  id,
  port,
  bridge,
  mac,
  type: nexthopTypes.port,
  flags: 0,
  size: 0,
  target: 0,
  puntClass: 0,
});
const neighbor = (bridge: number, address: IpAddress, mac: string, flags = 0): Row => ({
  table: 'neighbor',
  bridge,
  address: formatIp(address),
  mac,
  flags,
});

function networkRows({ id, vrf, mode, floodsUnknown, subnets }: Network): Row[] {
  return [
    { table: 'vrf', id: vrf },
    { table: 'bridge', id, vrf, vni: id, mtu, mode: modes[mode], flags: floodsUnknown ? 1 : 0, floodRate: 0 },
    nexthop(connected + id, 0, id, nobody),
    ...subnets.flatMap(({ prefix, gateway }): Row[] => [
      neighbor(id, gateway, gatewayMac, neighborFlags.gateway),
      {
        table: 'route',
        vrf,
        prefixLength: prefix.length,
        address: formatIp({ family: prefix.family, value: prefix.first }),
        source: connectedSource,
        nexthop: connected + id,
      },
    ]),
  ];
}

function portRows(port: Port, vrf: number): Row[] {
  const { id, network, mac, isSecured, asks, addresses, routes, owns } = port;
  const flags = (isSecured ? portFlags.portSecurity : 0) | (asks ? portFlags.policyRequired : 0);
  return [
    { table: 'port', id, bridge: network, parent: 0, flags, mac, mtu, vlan: 0, binding: 0, interface: '', netns: '', socket: '' },
    { table: 'mac', bridge: network, mac, port: id },
    nexthop(id, id, network, mac),
    ...addresses.map((address) => neighbor(network, address, mac)),
    ...owns.map(
      (prefix): Row => ({
        table: 'source',
        port: id,
        prefixLength: prefix.length,
        mac,
        address: formatIp({ family: prefix.family, value: prefix.first }),
      }),
    ),
    ...routes.map(
      (prefix): Row => ({
        table: 'route',
        vrf,
        prefixLength: prefix.length,
        address: formatIp({ family: prefix.family, value: prefix.first }),
        source: connectedSource,
        nexthop: id,
      }),
    ),
  ];
}

function ruleRow(group: number, rule: Rule): RuleRow {
  const { remote, family } = rule;
  const prefix = remote && 'prefix' in remote ? remote.prefix : undefined;
  return {
    table: 'rule',
    group,
    number: rule.number,
    priority: rule.priority,
    remoteGroup: remote && 'group' in remote ? remote.group : 0,
    portMin: rule.least,
    portMax: rule.most,
    direction: ruleDirections[rule.direction],
    action: ruleActions[rule.action],
    protocol: rule.protocol,
    prefixLength: prefix?.length ?? 0,
    address: prefix ? formatIp({ family, value: prefix.first }) : any[family],
  };
}

/** Gives each set of memberships a number, for good. */
export class Identities {
  readonly #numbers = new Map<string, number>();

  of(memberships: readonly Membership[]): number {
    const key = memberships
      .map(({ group, gate }) => `${group}/${gate}`)
      .sort()
      .join(' ');
    const number = this.#numbers.get(key) ?? 16 + this.#numbers.size;
    this.#numbers.set(key, number);
    return number;
  }
}

function identityRows({ id, asks, memberships }: Port, identities: Identities): Row[] {
  if (!asks || memberships === undefined) return [];
  const identity = identities.of(memberships);
  const own: PortIdentityRow = { table: 'port_identity', port: id, identity };
  return [own, ...memberships.map(({ group, gate }): IdentityGroupRow => ({ table: 'identity_group', identity, group, gate }))];
}

export type PolicyRows = (site: Site) => readonly Row[];

/** The rows of rules and identities, without any compiler. */
export function plainPolicyRows(): PolicyRows {
  const identities = new Identities();
  return ({ ports, groups }) => [
    ...[...groups].flatMap(([group, rules]) => rules.map((rule) => ruleRow(group, rule))),
    ...ports.flatMap((port) => identityRows(port, identities)),
  ];
}

type RowSet = ReadonlyMap<string, Buffer>;

function rowSet(site: Site, policy: PolicyRows): RowSet {
  const vrfOf = (port: Port) => site.networks.find(({ id }) => id === port.network)?.vrf ?? 0;
  const rows = [...site.networks.flatMap(networkRows), ...site.ports.flatMap((port) => portRows(port, vrfOf(port))), ...policy(site)];
  return new Map(rows.map((row) => [rowId(row), packUpsert(row)]));
}

/** Turns one site after another into batches of operations: what changed, as one. */
export class RowChanges {
  readonly #policy: PolicyRows;
  #rows: RowSet = new Map();
  #ports: readonly Port[] = [];

  constructor(policy: PolicyRows) {
    this.#policy = policy;
  }

  /** The batches, mostly one, and the ports that are new. A port whose id another one takes goes first. */
  to(site: Site): { readonly batches: readonly Buffer[]; readonly attach: readonly number[] } {
    const isNew = ({ id, generation }: Port) => !this.#ports.some((port) => port.id === id && port.generation === generation);
    const fresh = site.ports.filter(isNew);
    const replaced = fresh.filter(({ id }) => this.#ports.some((port) => port.id === id));
    const first = replaced.map(({ id }) => packDelete({ table: 'port', id }));
    const before = new Map(this.#rows);
    for (const { id } of replaced) before.delete(rowId({ table: 'port', id }));
    this.#rows = rowSet(site, this.#policy);
    this.#ports = site.ports;
    const batches = [Buffer.concat(first), difference(before, this.#rows)];
    return { batches: batches.filter(({ length }) => length > 0), attach: fresh.map(({ id }) => id) };
  }
}

function difference(before: RowSet, after: RowSet): Buffer {
  const gone = [...before].filter(([id]) => !after.has(id)).map(([, op]) => deletionOf(op));
  const came = [...after].filter(([id, op]) => !before.get(id)?.equals(op)).map(([, op]) => op);
  return Buffer.concat([...gone, ...came]);
}
