/** The guests of cloud-init.test.ts: what each is told, by which data source, and where it stands. */
import type { Smbios } from '../../run/guest.ts';
import type { GuestSystem } from '../../run/guest-kernel.ts';
import type { NovaInstance } from './nova.ts';

export interface Case {
  /** Port, host name, and what its user data writes. */
  readonly name: string;
  readonly project: string;
  readonly network: string;
  readonly addresses: readonly string[];
  readonly source: 'OpenStack' | 'Ec2';
  /** What cloud-init's log says about where it found its data. */
  readonly found: RegExp;
  /** What the image's maker has written into cloud.cfg.d. */
  readonly config?: object;
}

export const instanceId = (name: string) => `8a66c114-5b9e-4f2e-9d0c-${Buffer.from(name.padEnd(6)).toString('hex')}`;
export const key = (name: string) =>
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${Buffer.from(name.padEnd(32, '.')).toString('base64').slice(0, 43)} ${name}`;
const userData = (name: string) => `#cloud-config
write_files: [{ path: /etc/written, content: "for ${name}" }]
runcmd: [[sh, -c, "echo run as $(hostname) >/etc/run"]]
`;

// With IPv6 only there is no DHCPv4 for cloud-init to begin with, and its own default would ask for nothing else.
const ipv6Only = { network: { version: 2, ethernets: { eth0: { dhcp6: true } } } };
// Debian 12's cloud-init (22.4) passes over an address whose zone is written as RFC 6874 has it (%25eth0).
const linkLocal = 'http://[fe80::a9fe:a9fe%eth0]';

export const cases: readonly Case[] = [
  {
    name: 'os-v4',
    project: 'acme',
    network: 'dual',
    addresses: ['10.1.0.11', '2001:db8:1::11'],
    source: 'OpenStack',
    found: /Using metadata source: 'http:\/\/169\.254\.169\.254'/,
  },
  {
    name: 'ec2-v4',
    project: 'globex',
    network: 'four',
    addresses: ['10.1.0.11'],
    source: 'Ec2',
    found: /Using metadata source: 'http:\/\/169\.254\.169\.254'/,
  },
  {
    name: 'os-v6',
    project: 'acme',
    network: 'six',
    addresses: ['2001:db8:6::11'],
    source: 'OpenStack',
    found: /Using metadata source: 'http:\/\/\[fe80::a9fe:a9fe%eth0\]'/,
    config: { ...ipv6Only, datasource: { OpenStack: { metadata_urls: [linkLocal] } } },
  },
  {
    name: 'ec2-v6',
    project: 'globex',
    network: 'six',
    addresses: ['2001:db8:6::11'],
    source: 'Ec2',
    found: /Using metadata source: 'http:\/\/\[fd00:ec2::254\]'/,
    config: ipv6Only,
  },
  {
    name: 'nova',
    project: 'globex',
    network: 'nova',
    addresses: ['10.1.0.11'],
    source: 'OpenStack',
    found: /Using metadata source: 'http:\/\/169\.254\.169\.254'/,
  },
];

/** The DMI table of the real thing, which is all that cloud-init goes by. */
export function smbiosOf({ source, name }: Case): Smbios {
  const uuid = `ec2${instanceId(name).slice(3)}`;
  return source === 'Ec2' ? [`uuid=${uuid}`, `serial=${uuid}`] : ['product=OpenStack Nova'];
}

export function systemOf({ config }: Case, image: GuestSystem): GuestSystem {
  if (config === undefined) return image;
  return { ...image, kernelArguments: `${image.kernelArguments} cc:${encodeURIComponent(JSON.stringify(config))} end_cc` };
}

export const macOf = (each: Case) => `02:00:00:00:02:0${cases.indexOf(each)}`;

function network(project: string, name: string, cidrs: readonly string[]): object {
  return {
    kind: 'VirtualNetwork',
    metadata: { name, project },
    spec: { subnets: cidrs.map((cidr) => ({ cidr })), domain: `${project}.example` },
  };
}

export function objects(socket: (name: string) => string, nova: { readonly url: string; readonly secret: string }): object[] {
  return [
    ...['acme', 'globex'].map((name) => ({ kind: 'Project', metadata: { name } })),
    network('acme', 'dual', ['10.1.0.0/24', '2001:db8:1::/64']),
    network('globex', 'four', ['10.1.0.0/24']),
    network('acme', 'six', ['2001:db8:6::/64']),
    network('globex', 'six', ['2001:db8:6::/64']),
    network('globex', 'nova', ['10.1.0.0/24']),
    { kind: 'Secret', metadata: { name: 'nova', project: 'globex' }, spec: { data: { secret: nova.secret } } },
    {
      kind: 'Metadata',
      metadata: { name: 'nova', project: 'globex' },
      spec: { scope: { network: 'nova' }, mode: 'proxy', nova: { url: nova.url, secretRef: 'nova' } },
    },
    ...cases.flatMap((each) => [
      {
        kind: 'Port',
        metadata: { name: each.name, project: each.project },
        spec: {
          network: each.network,
          hostname: each.name,
          instanceId: instanceId(each.name),
          mac: macOf(each),
          addresses: each.addresses,
          binding: { type: 'vhost-user', socket: socket(each.name), server: true },
        },
      },
      {
        kind: 'InstanceData',
        metadata: { name: each.name, project: each.project },
        spec: { port: each.name, userData: userData(each.name), keys: [key(each.name)] },
      },
    ]),
  ];
}

/** What Nova knows of the guest behind the proxy. */
export function novaInstance(tenant: string): NovaInstance {
  const id = instanceId('nova');
  const metaData = {
    uuid: id,
    name: 'nova',
    hostname: 'nova.globex.example',
    public_keys: { nova: key('nova') },
    keys: [{ name: 'nova', type: 'ssh', data: key('nova') }],
  };
  return { id, tenant, documents: { 'meta_data.json': JSON.stringify(metaData), user_data: userData('nova') } };
}
