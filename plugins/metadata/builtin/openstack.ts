/** The OpenStack layout, below /openstack/VERSION, as Nova serves it. Pure. */
import { type Guest, hostnameOf, instanceIdOf, keysOf, projectIdOf, userDataOf } from '../guest.ts';
import { networkData } from './network-data.ts';
import { bytes, json, type Leaf, text } from './tree.ts';

/** Oldest first; `latest` comes on top. */
const versions: readonly string[] = [
  ...['2012-08-10', '2013-04-04', '2013-10-17', '2015-10-15', '2016-06-30', '2016-10-06', '2017-02-22', '2018-08-27', '2020-10-14'],
  'latest',
];

/** Files by name, with the version that brought them. */
const since: Readonly<Record<string, string>> = {
  'meta_data.json': '2012-08-10',
  user_data: '2012-08-10',
  password: '2013-04-04',
  'vendor_data.json': '2013-10-17',
  'network_data.json': '2015-10-15',
  'vendor_data2.json': '2016-10-06',
};

const listOfVersions = text(versions.join('\n'));

export type Files = ReadonlyMap<string, Leaf>;

export function openstackFiles(guest: Guest): Files {
  const userData = userDataOf(guest);
  const all: Readonly<Record<string, Leaf | undefined>> = {
    'meta_data.json': json(metaData(guest)),
    user_data: userData && bytes(userData),
    password: text(''),
    'vendor_data.json': json(guest.data?.vendorData ?? {}),
    'network_data.json': json(guest.data?.networkData ?? networkData(guest)),
    'vendor_data2.json': json({}),
  };
  return new Map(Object.entries(all).flatMap(([name, leaf]) => (leaf ? [[name, leaf] as const] : [])));
}

/** @param path what follows /openstack, part by part */
export function openstackAnswer(files: Files, path: readonly string[]): Leaf | undefined {
  const [version, name, ...more] = path;
  if (version === undefined) return listOfVersions;
  const age = versions.indexOf(version);
  if (age < 0 || more.length > 0) return undefined;
  const has = (file: string): boolean => files.has(file) && versions.indexOf(since[file] ?? '') <= age;
  if (name === undefined) return text([...files.keys()].filter(has).join('\n'));
  return has(name) ? files.get(name) : undefined;
}

function metaData(guest: Guest): object {
  const { port, data, availabilityZone } = guest;
  const keys = keysOf(guest);
  const named = {
    public_keys: Object.fromEntries(keys.map(({ name, line }) => [name, line])),
    keys: keys.map(({ name, line }) => ({ name, type: 'ssh', data: line })),
  };
  return {
    uuid: instanceIdOf(port),
    name: port.spec.hostname ?? port.metadata.name,
    hostname: hostnameOf(guest),
    launch_index: 0,
    availability_zone: data?.availabilityZone ?? availabilityZone,
    project_id: projectIdOf(guest),
    meta: data?.metaData ?? {},
    ...(keys.length === 0 ? {} : named),
    devices: [],
  };
}
