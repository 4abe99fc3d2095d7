/** Who am I? Each VM asks the same addresses and gets its own answer, by curl. */
import { type Check, type Exec, expect, prints } from './check.ts';

const userData = (project: string) => `#cloud-config\n# for web of ${project}`;

/** User data for the two VMs that have one address. */
export const instanceData: readonly object[] = ['acme', 'globex'].map((project) => ({
  kind: 'InstanceData',
  metadata: { name: 'web', project },
  spec: { port: 'web', userData: userData(project) },
}));

const curl = 'curl --silent --show-error --fail --globoff --max-time 10';
const places = {
  ipv4: 'http://169.254.169.254',
  linkLocal: 'http://[fe80::a9fe:a9fe%25eth0]',
  unique: 'http://[fd00:ec2::254]',
};

function openstack(exec: Exec, vm: string, at: string, wanted: string): Check {
  return {
    name: `${vm}: OpenStack metadata at ${at.slice('http://'.length)}`,
    run: async () => {
      const result = await exec(vm, ['sh', '-c', `${curl} '${at}/openstack/latest/meta_data.json'`]);
      expect(result.code === 0, result);
      const { hostname } = JSON.parse(result.stdout) as { hostname: string };
      expect(hostname === wanted, `it is said to be ${hostname}, wanted ${wanted}`);
      return hostname;
    },
  };
}

function ec2(exec: Exec, vm: string, at: string, item: string, wanted: string): Check {
  const token = `${curl} -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' '${at}/latest/api/token'`;
  const read = `token=$(${token}) && ${curl} -H "X-aws-ec2-metadata-token: $token" '${at}/latest/${item}'`;
  return prints(exec, vm, `EC2 ${item} at ${at.slice('http://'.length)}, with a token`, ['sh', '-c', read], wanted);
}

export function metadata(exec: Exec): Check[] {
  const webs = [
    ['acme-web', 'acme'],
    ['globex-web', 'globex'],
  ] as const;
  return [
    ...webs.flatMap(([vm, project]) => [
      openstack(exec, vm, places.ipv4, `web.${project}.example`),
      openstack(exec, vm, places.linkLocal, `web.${project}.example`),
      ec2(exec, vm, places.unique, 'meta-data/hostname', `web.${project}.example`),
      ec2(exec, vm, places.ipv4, 'user-data', userData(project)),
    ]),
    openstack(exec, 'acme-lab', places.ipv4, 'bench.lab.acme.example'),
    openstack(exec, 'globex-six', places.linkLocal, 'six.six.globex.example'),
    openstack(exec, 'globex-six', places.unique, 'six.six.globex.example'),
    ec2(exec, 'globex-six', places.unique, 'meta-data/ipv6', '2001:db8:6::11'),
    openstack(exec, 'globex-auto', places.linkLocal, 'auto.six.globex.example'),
  ];
}
