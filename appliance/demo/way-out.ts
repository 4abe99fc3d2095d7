/** The way out: VMs reach an internet behind an upstream router, sharing an address or with one of their own, and are reached from there. */
import type { Appliance } from '../run/appliance.ts';
import { type Check, type Exec, expect, prints } from './check.ts';
import { putInto } from './groups.ts';
import { iperf, ping } from './traffic.ts';

const internet = { v4: '198.51.100.10', v6: '2001:db8:51::10' };
/** Behind a link whose MTU is 1400. */
const far = { v4: '198.18.1.10', v6: '2001:db8:53::10' };
const upstream = { v4: '192.0.2.254', v6: '2001:db8:ffff::fe' };
const shared = { v4: '192.0.2.100', v6: '2001:db8:ffff::100' };
/** Of the VM web of each tenant: both have the same addresses inside. */
const floating = {
  acme: { v4: '203.0.113.20', v6: '2001:db8:f::20' },
  globex: { v4: '203.0.113.30', v6: '2001:db8:f::30' },
};
const inside = { v4: '10.1.0.11', v6: '2001:db8:1::11' };
const families = ['v4', 'v6'] as const;
const tenants = ['acme', 'globex'] as const;

/** Objects of the plugin snat, and the routers that name its pool. */
export const wayOut: readonly object[] = [
  { kind: 'SnatPool', metadata: { name: 'public', shared: true }, spec: { addresses: [shared.v4, shared.v6] } },
  router('office-lab', 'acme', ['office', 'lab']),
  router('out', 'globex', ['office', 'six']),
  ...tenants.flatMap((project) =>
    families.map((family) => ({
      kind: 'FloatingIp',
      metadata: { name: `web-${family}`, project },
      spec: { address: floating[project][family], target: { port: 'web', address: inside[family] } },
    })),
  ),
];

/** Who may come in from outside: a group of the plugin policy for each tenant. */
export const visitors: readonly object[] = tenants.map((project) => ({
  kind: 'SecurityGroup',
  metadata: { name: 'public-web', project },
  spec: {
    rules: [
      { direction: 'egress', protocol: 'any' },
      { direction: 'ingress', protocol: 'tcp', ports: 80 },
    ],
  },
}));

function router(name: string, project: string, networks: readonly string[]): object {
  return { kind: 'LogicalRouter', metadata: { name, project }, spec: { networks, external: { snatPool: 'default/public' } } };
}

const host = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Asks a web server from which address it was asked. */
function asks(exec: Exec, vm: string, address: string, what: string, wanted: string): Check {
  const curl = ['curl', '--silent', '--show-error', '--fail', '--globoff', '--max-time', '10'];
  return prints(exec, vm, `curl ${host(address)} ${what}`, [...curl, `http://${host(address)}/cgi-bin/whoami`], wanted);
}

/** A web server in each VM that has floating addresses: it says who asks whom. */
function serve(appliance: Appliance, exec: Exec, project: string, groups: boolean): Check {
  const script = `#!/bin/sh\necho\necho "$REMOTE_ADDR asks web of ${project}" | sed -e 's/::ffff://' -e 's/[][]//g'\n`;
  const commands =
    'mkdir -p /run/www/cgi-bin && cd /run/www/cgi-bin && printf %s "$1" >whoami && chmod +x whoami && exec busybox httpd -p 80 -h /run/www';
  return {
    name: `${project}-web: serves the internet, and its group lets it in`,
    run: async () => {
      if (groups) await putInto(appliance, { web: ['default', 'public-web'] }, project);
      const result = await exec(`${project}-web`, ['sh', '-c', commands, 'sh', script]);
      expect(result.code === 0, result);
      return 'tcp 80';
    },
  };
}

function traceroute(exec: Exec, vm: string, target: string, hops: readonly string[]): Check {
  return {
    name: `${vm}: traceroute ${target}`,
    run: async () => {
      const result = await exec(vm, ['traceroute', '-n', '-q', '1', '-w', '2', '-m', '6', target], 30_000);
      const seen = [...result.stdout.matchAll(/^\s*\d+\s+(\S+)/gm)].map(([, hop]) => hop);
      expect(JSON.stringify(seen) === JSON.stringify(hops), `hops ${seen.join(', ')}, wanted ${hops.join(', ')}`);
      return seen.join(', ');
    },
  };
}

function tracepath(exec: Exec, vm: string, target: string): Check {
  return {
    name: `${vm}: tracepath ${target} finds the smaller MTU on the way`,
    run: async () => {
      const result = await exec(vm, ['tracepath', '-n', '-m', '6', target], 60_000);
      expect(/pmtu 1400/.test(result.stdout) && /reached/.test(result.stdout), result);
      return 'pmtu 1400';
    },
  };
}

interface Nat {
  readonly items: readonly { readonly address: string }[];
}

function blocks(appliance: Appliance): Check {
  return {
    name: 'weft nat: who has which outside ports',
    run: async () => {
      const { items } = await appliance.json<Nat>(['nat', '-A']);
      const addresses = new Set(items.map(({ address }) => address));
      expect(addresses.has(shared.v4) && addresses.has(shared.v6), `blocks of ${[...addresses].join(', ') || 'no address'}`);
      return `${items.length} blocks`;
    },
  };
}

/** `groups`: whether security groups keep the outside out unless they are told otherwise. */
export function reachesOut(appliance: Appliance, exec: Exec, groups: boolean): Check[] {
  const [acme, globex] = [floating.acme, floating.globex];
  return [
    ping(exec, 'acme-db', internet.v4, 'the internet, sharing an address'),
    ping(exec, 'globex-six', internet.v6, 'the internet, sharing an address'),
    asks(exec, 'acme-db', internet.v4, 'of the internet, sharing an address', shared.v4),
    asks(exec, 'acme-lab', internet.v4, 'of the internet, sharing an address', shared.v4),
    asks(exec, 'globex-db', internet.v4, 'of the internet, sharing an address', shared.v4),
    asks(exec, 'globex-six', internet.v6, 'of the internet, sharing an address', shared.v6),
    ...families.flatMap((family) => [
      asks(exec, 'acme-web', internet[family], 'of the internet, by floating address', acme[family]),
      asks(exec, 'globex-web', internet[family], 'of the internet, by floating address', globex[family]),
    ]),
    traceroute(exec, 'acme-db', internet.v4, ['10.1.0.1', upstream.v4, internet.v4]),
    traceroute(exec, 'globex-six', internet.v6, ['2001:db8:6::1', upstream.v6, internet.v6]),
    iperf(exec, 'acme-db', 'internet', internet.v4),
    iperf(exec, 'globex-six', 'internet', internet.v6),
    iperf(exec, 'acme-db', 'far', far.v4),
    iperf(exec, 'globex-six', 'far', far.v6),
    tracepath(exec, 'acme-lab', far.v4),
    tracepath(exec, 'globex-auto', far.v6),
    ...tenants.map((project) => serve(appliance, exec, project, groups)),
    ...families.flatMap((family) => [
      ...tenants.map((project) =>
        asks(exec, 'internet', floating[project][family], `(floating address of ${project})`, `${internet[family]} asks web of ${project}`),
      ),
      asks(exec, 'acme-web', globex[family], '(the other tenant, same addresses inside)', `${acme[family]} asks web of globex`),
      asks(exec, 'globex-web', acme[family], '(the other tenant, same addresses inside)', `${globex[family]} asks web of acme`),
      asks(exec, 'acme-web', acme[family], '(its own floating address)', `${acme[family]} asks web of acme`),
    ]),
    asks(exec, 'acme-lab', globex.v4, '(another tenant, sharing an address)', `${shared.v4} asks web of globex`),
    blocks(appliance),
  ];
}
