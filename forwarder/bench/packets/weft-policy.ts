/** Rules of scenarios as rows of Weft's tables. */
import { ipBytes, packUpsert, parseIp, protocols, type Row, type RuleRow, ruleActions, ruleDirections } from '@weft/kernel/contract/net';
import { plan } from './scenario.ts';

/** Identity and group of the client's port, and of the server's. */
const [client, server] = [16, 17];

/** What the client starts may pass and be answered, the server may start nothing. `rules`: it may pass if the last of so many says so; default: one that allows all. */
export function* policyBatches(rules?: number): Generator<Buffer> {
  const identities = [client, server].flatMap((number, at) => identityOf(1 + at, number));
  yield Buffer.concat([...identities, rule({ group: server, direction: ruleDirections.ingress })].map(packUpsert));
  yield rules === undefined ? packUpsert(rule({ group: client })) : manyRules(rules);
}

/** The same for the client alone: what is behind an uplink has no rules. */
export function* clientPolicyBatches(rules: number): Generator<Buffer> {
  yield Buffer.concat(identityOf(1, client).map(packUpsert));
  yield manyRules(rules);
}

function identityOf(port: number, number: number): Row[] {
  return [
    { table: 'port_identity', port, identity: number },
    { table: 'identity_group', identity: number, group: number, gate: 1 },
  ];
}

/** The last one lets the load pass. */
function manyRules(count: number): Buffer {
  const first = ipBytes(parseIp(plan.firstRoute) ?? { family: 4, value: 0n }).readUInt32BE();
  const rules = Array.from({ length: count - 1 }, (_, n) => {
    const address = [24, 16, 8, 0].map((shift) => ((first + (n % 1_000) * 256) >>> shift) & 0xff).join('.');
    const l4Port = 10_000 + n;
    return rule({ group: client, number: n, action: ruleActions.deny, ...udpTo(l4Port), prefixLength: 24, address });
  });
  const last = rule({ group: client, number: count, priority: 1, ...udpTo(9), prefixLength: 4, address: '16.0.0.0' });
  return Buffer.concat([...rules, last].map(packUpsert));
}

function udpTo(l4Port: number): Partial<RuleRow> {
  return { protocol: protocols.udp, portMin: l4Port, portMax: l4Port };
}

/** Allows all IPv4 that leaves a port of the group, but for what is given. */
function rule(given: Partial<RuleRow> & Pick<RuleRow, 'group'>): RuleRow {
  const any = { protocol: 0, portMin: 0, portMax: 0xffff, remoteGroup: 0, prefixLength: 0, address: '0.0.0.0' };
  return { table: 'rule', number: 0, priority: 0, direction: ruleDirections.egress, action: ruleActions.allow, ...any, ...given };
}
