/** Security groups: the database answers the web server alone, and who is denied is told why. */
import { type Appliance, type Result, until } from '../run/appliance.ts';
import { type Check, type Exec, expect } from './check.ts';

const tenant = 'acme';
const database = '10.1.0.12';
const port = '5432';

const group = (name: string, rules: readonly object[]): object => ({
  kind: 'SecurityGroup',
  metadata: { name, project: tenant },
  spec: { rules },
});
const anything = { direction: 'egress', protocol: 'any' };

export const groups: readonly object[] = [
  group('front', [anything]),
  group('database', [anything, { direction: 'ingress', protocol: 'tcp', ports: Number(port), remote: { group: 'front' } }]),
];

interface Trace {
  readonly reason?: string;
  readonly items: readonly { readonly step: string; readonly text: string }[];
}

/** What `weft trace` says of the way from a port to the database. */
async function traced(appliance: Appliance, from: string): Promise<Trace> {
  const target = ['--to', database, '--proto', 'tcp', '--l4-port', port];
  return await appliance.json<Trace>(['--project', tenant, 'trace', '--from', from, ...target]);
}

/** The last thing that rules said. */
function saidBy({ items }: Trace): string {
  return items.findLast(({ step }) => step === 'policy')?.text ?? 'no rule was asked';
}

/** Gives ports of a project other groups; `undefined`: none, so that they follow the group default. */
export async function putInto(
  appliance: Appliance,
  of: Readonly<Record<string, readonly string[] | undefined>>,
  project: string,
): Promise<void> {
  const names = Object.keys(of);
  const ports = names.map((name) => appliance.json<{ spec: object }>(['--project', project, 'get', 'port', name]));
  const objects = (await Promise.all(ports)).map(({ spec }, at) => {
    const { securityGroups: _before, ...rest } = spec as { securityGroups?: unknown };
    const securityGroups = of[names[at] ?? ''];
    return { kind: 'Port', metadata: { name: names[at], project }, spec: { ...rest, ...(securityGroups && { securityGroups }) } };
  });
  await appliance.apply(objects);
}

function connect(exec: Exec, vm: string): Promise<Result> {
  return exec(vm, ['iperf3', '--client', database, '--port', port, '--bytes', '64K', '--connect-timeout', '1000']);
}

export function securityGroups(appliance: Appliance, exec: Exec): Check[] {
  return [
    {
      name: `acme-web: tcp ${port} to acme-db (its group allows it)`,
      run: async () => {
        await putInto(appliance, { web: ['front'], db: ['database'] }, tenant);
        const denied = await until(async () => (await traced(appliance, 'mail')).reason === 'policy-denied', 5_000);
        expect(denied === true, 'acme-mail is not denied');
        await exec('acme-db', ['iperf3', '--server', '--one-off', '--daemon', '--port', port]);
        const result = await connect(exec, 'acme-web');
        expect(result.code === 0, result);
        return saidBy(await traced(appliance, 'web'));
      },
    },
    {
      name: `acme-mail: no tcp ${port} to acme-db, and why`,
      run: async () => {
        await exec('acme-db', ['iperf3', '--server', '--one-off', '--daemon', '--port', port]);
        const result = await connect(exec, 'acme-mail');
        expect(result.code !== 0, 'it was let in');
        return saidBy(await traced(appliance, 'mail'));
      },
    },
    {
      name: 'the same groups no more: acme-mail gets in',
      run: async () => {
        await putInto(appliance, { web: undefined, db: undefined }, tenant);
        const allowed = await until(async () => (await connect(exec, 'acme-mail')).code === 0, 5_000);
        expect(allowed === true, saidBy(await traced(appliance, 'mail')));
        return saidBy(await traced(appliance, 'mail'));
      },
    },
  ];
}
