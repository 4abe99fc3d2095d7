/** The EC2 layout, below a version: meta-data, user-data, dynamic. Every version has the same items. Pure. */
import { cidrContains } from '@weft/kernel/contract/net';
import { addressesOf, type Guest, hostnameOf, instanceIdOf, keysOf, projectIdOf, regionOf, userDataOf } from '../guest.ts';
import { bytes, type Directory, directory, json, type Leaf, text } from './tree.ts';

/** Those that clients are known to ask for, oldest first. */
export const ec2Versions: readonly string[] = [
  ...['1.0', '2007-01-19', '2007-03-01', '2007-08-29', '2007-10-10', '2007-12-15', '2008-02-01', '2008-09-01', '2009-04-04'],
  ...['2011-01-01', '2011-05-01', '2012-01-12', '2014-02-25', '2014-11-05', '2015-10-20', '2016-04-19', '2016-06-30', '2016-09-02'],
  ...['2018-03-28', '2018-08-17', '2018-09-24', '2019-10-01', '2020-10-27', '2021-01-03', '2021-03-23', '2021-07-15', '2022-07-09'],
  ...['2022-09-24', '2024-04-11', 'latest'],
];

const defaultType = 'weft.port';
const defaultImage = 'ami-00000000';

export function ec2Tree(guest: Guest): Directory {
  const userData = userDataOf(guest);
  return directory({
    dynamic: directory({ 'instance-identity': directory({ document: json(identityDocument(guest)) }) }),
    'meta-data': metaData(guest),
    'user-data': userData && bytes(userData),
  });
}

function metaData(guest: Guest): Directory {
  const { port, data, availabilityZone } = guest;
  const zone = data?.availabilityZone ?? availabilityZone;
  const hostname = text(hostnameOf(guest));
  return directory({
    'ami-id': text(data?.imageId ?? defaultImage),
    'ami-launch-index': text('0'),
    hostname,
    'instance-action': text('none'),
    'instance-id': text(instanceIdOf(port)),
    'instance-life-cycle': text('on-demand'),
    'instance-type': text(data?.instanceType ?? defaultType),
    ipv6: first(addressesOf(port, 6)),
    'local-hostname': hostname,
    'local-ipv4': first(addressesOf(port, 4)),
    mac: text(port.status.mac),
    network: directory({ interfaces: directory({ macs: directory([[port.status.mac, networkInterface(guest)]]) }) }),
    placement: directory({ 'availability-zone': text(zone), region: text(regionOf(zone)) }),
    'public-keys': publicKeys(guest),
    'reservation-id': text(`r-${port.metadata.uid.replaceAll('-', '').slice(0, 17)}`),
    'security-groups': securityGroups(guest),
    tags: tags(guest),
  });
}

function networkInterface(guest: Guest): Directory {
  const { port, network } = guest;
  const blocks = (family: 4 | 6) => network.spec.subnets.map(({ cidr }) => cidr).filter((cidr) => cidr.includes(':') === (family === 6));
  const own = (family: 4 | 6) => blocks(family).filter((cidr) => addressesOf(port, family).some((address) => cidrContains(cidr, address)));
  return directory({
    'device-number': text('0'),
    'interface-id': text(port.metadata.uid),
    ipv6s: lines(addressesOf(port, 6)),
    'local-hostname': text(hostnameOf(guest)),
    'local-ipv4s': lines(addressesOf(port, 4)),
    mac: text(port.status.mac),
    'owner-id': text(projectIdOf(guest)),
    'security-groups': securityGroups(guest),
    'subnet-ipv4-cidr-block': first(own(4)),
    'subnet-ipv6-cidr-blocks': lines(own(6)),
    'vpc-id': text(network.metadata.uid),
    'vpc-ipv4-cidr-blocks': lines(blocks(4)),
    'vpc-ipv6-cidr-blocks': lines(blocks(6)),
  });
}

/** Strange, and so in EC2: the listing says `0=NAME`, the key itself is `0/openssh-key`. */
function publicKeys(guest: Guest): Directory | undefined {
  const keys = keysOf(guest);
  if (keys.length === 0) return undefined;
  const entries = keys.map(({ line }, index) => [`${index}`, directory({ 'openssh-key': text(line) })] as const);
  return { ...directory(entries), lines: keys.map(({ name }, index) => `${index}=${name}`) };
}

function tags({ data }: Guest): Directory | undefined {
  const entries = Object.entries(data?.metaData ?? {}).map(([name, value]) => [name, text(value)] as const);
  return entries.length === 0 ? undefined : directory({ instance: directory(entries) });
}

function identityDocument(guest: Guest): object {
  const { port, data, availabilityZone } = guest;
  const zone = data?.availabilityZone ?? availabilityZone;
  return {
    accountId: projectIdOf(guest),
    availabilityZone: zone,
    imageId: data?.imageId ?? defaultImage,
    instanceId: instanceIdOf(port),
    instanceType: data?.instanceType ?? defaultType,
    pendingTime: port.metadata.createdAt,
    privateIp: addressesOf(port, 4)[0] ?? addressesOf(port, 6)[0] ?? null,
    region: regionOf(zone),
    version: '2017-09-30',
  };
}

function securityGroups({ port }: Guest): Leaf {
  return text((port.spec.securityGroups ?? ['default']).join('\n'));
}

function first(values: readonly string[]): Leaf | undefined {
  return values[0] === undefined ? undefined : text(values[0]);
}

function lines(values: readonly string[]): Leaf | undefined {
  return values.length === 0 ? undefined : text(values.join('\n'));
}
