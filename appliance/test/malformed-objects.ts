/** A hundred ways to write an object wrongly, each with what the refusal must name. */

export interface Malformed {
  readonly name: string;
  readonly document: string;
  /** The refusal names all of these: the field (JSON pointer) or the place, and what helps. */
  readonly names: readonly RegExp[];
}

const head = (kind: string, name: string): string => `apiVersion: weft/v1\nkind: ${kind}\nmetadata: {name: ${name}}\n`;

function network(name: string, spec: string, ...names: readonly RegExp[]): Malformed {
  return { name: `network: ${name}`, document: `${head('VirtualNetwork', 'bad')}spec: ${spec}\n`, names };
}
function port(name: string, spec: string, ...names: readonly RegExp[]): Malformed {
  return { name: `port: ${name}`, document: `${head('Port', 'bad')}spec: ${spec}\n`, names };
}
function router(name: string, spec: string, ...names: readonly RegExp[]): Malformed {
  return { name: `router: ${name}`, document: `${head('LogicalRouter', 'bad')}spec: ${spec}\n`, names };
}
function named(name: string, written: string): Malformed {
  return {
    name: `name: ${name}`,
    document: `${head('VirtualNetwork', JSON.stringify(written))}spec: {subnets: [{cidr: 10.50.0.0/24}]}\n`,
    names: [/\/metadata\/name/],
  };
}

const subnet = (fields: string): string => `{subnets: [{cidr: 10.50.0.0/24, ${fields}}]}`;
const on = (fields: string): string => `{network: red, binding: {type: none}, ${fields}}`;
const bound = (binding: string): string => `{network: red, binding: ${binding}}`;

/** Before them, network `red` (10.1.0.0/24), trunk `trunk0`, and port `taken` (10.1.0.50, 02:00:00:00:00:50, VLAN 50 of trunk0) exist. */
export const malformed: readonly Malformed[] = [
  network('unknown field', '{subnetz: []}', /\/spec\/subnetz/, /subnets/),
  network('unknown field inside', subnet('gatway: 10.50.0.1'), /\/spec\/subnets\/0\/gatway/, /gateway/),
  network('subnets is text', '{subnets: hello}', /\/spec\/subnets/),
  network('subnets is a number', '{subnets: 5}', /\/spec\/subnets/),
  network('a subnet is text', '{subnets: [10.50.0.0/24]}', /\/spec\/subnets\/0/),
  network('subnet without a prefix', '{subnets: [{}]}', /\/spec\/subnets\/0/, /cidr/),
  network('prefix without length', '{subnets: [{cidr: 10.50.0.0}]}', /\/spec\/subnets\/0\/cidr/),
  network('prefix length 33', '{subnets: [{cidr: 10.50.0.0/33}]}', /\/spec\/subnets\/0\/cidr/),
  network('negative prefix length', '{subnets: [{cidr: "10.50.0.0/-1"}]}', /\/spec\/subnets\/0\/cidr/),
  network('octet 256', '{subnets: [{cidr: 10.50.0.256/24}]}', /\/spec\/subnets\/0\/cidr/),
  network('three octets', '{subnets: [{cidr: 10.50.0/24}]}', /\/spec\/subnets\/0\/cidr/),
  network('words for a prefix', '{subnets: [{cidr: anywhere}]}', /\/spec\/subnets\/0\/cidr/),
  network('host bits set', '{subnets: [{cidr: 10.50.0.7/24}]}', /\/spec\/subnets\/0\/cidr/, /10\.50\.0\.0\/24/),
  network('prefix is a number', '{subnets: [{cidr: 10}]}', /\/spec\/subnets\/0\/cidr/),
  network('prefix is null', '{subnets: [{cidr: null}]}', /\/spec\/subnets\/0\/cidr/),
  network('overlapping subnets', '{subnets: [{cidr: 10.50.0.0/24}, {cidr: 10.50.0.128/25}]}', /\/spec\/subnets\/1\/cidr/),
  network('the same subnet twice', '{subnets: [{cidr: 10.50.0.0/24}, {cidr: 10.50.0.0/24}]}', /\/spec\/subnets\/1\/cidr/),
  network('gateway outside', subnet('gateway: 10.51.0.1'), /\/spec\/subnets\/0\/gateway/),
  network('gateway is the network address', subnet('gateway: 10.50.0.0'), /\/spec\/subnets\/0\/gateway/),
  network('gateway is the broadcast address', subnet('gateway: 10.50.0.255'), /\/spec\/subnets\/0\/gateway/),
  network('gateway is no address', subnet('gateway: first'), /\/spec\/subnets\/0\/gateway/),
  network('gateway of the other family', subnet('gateway: "2001:db8::1"'), /\/spec\/subnets\/0\/gateway/),
  network('pool outside', subnet('pool: {from: 10.60.0.1, to: 10.60.0.9}'), /\/spec\/subnets\/0\/pool/),
  network('pool backwards', subnet('pool: {from: 10.50.0.90, to: 10.50.0.10}'), /\/spec\/subnets\/0\/pool/),
  network('pool without an end', subnet('pool: {from: 10.50.0.10}'), /\/spec\/subnets\/0\/pool/),
  network('pool is text', subnet('pool: all'), /\/spec\/subnets\/0\/pool/),
  network('dhcp is text', subnet('dhcp: maybe'), /\/spec\/subnets\/0\/dhcp/),
  network('dns is one address', subnet('dns: 10.50.0.1'), /\/spec\/subnets\/0\/dns/),
  network('dns is no address', subnet('dns: [resolver]'), /\/spec\/subnets\/0\/dns\/0/),
  network('route without next hop', subnet('routes: [{prefix: 10.9.0.0/16}]'), /\/spec\/subnets\/0\/routes\/0/),
  network('route to no prefix', subnet('routes: [{prefix: x, nextHop: 10.50.0.9}]'), /\/spec\/subnets\/0\/routes\/0\/prefix/),
  network('route via no address', subnet('routes: [{prefix: 10.9.0.0/16, nextHop: x}]'), /\/spec\/subnets\/0\/routes\/0\/nextHop/),
  network('route via outside', subnet('routes: [{prefix: 10.9.0.0/16, nextHop: 10.77.0.1}]'), /\/spec\/subnets\/0\/routes\/0\/nextHop/),
  network('unknown forwarding mode', '{subnets: [{cidr: 10.50.0.0/24}], forwarding: l4}', /\/spec\/forwarding/, /l2_l3/),
  network('forwarding is a number', '{subnets: [{cidr: 10.50.0.0/24}], forwarding: 3}', /\/spec\/forwarding/),
  network('VNI zero', '{subnets: [{cidr: 10.50.0.0/24}], vni: 0}', /\/spec\/vni/),
  network('VNI above 24 bits', '{subnets: [{cidr: 10.50.0.0/24}], vni: 16777216}', /\/spec\/vni/),
  network('VNI is a fraction', '{subnets: [{cidr: 10.50.0.0/24}], vni: 1.5}', /\/spec\/vni/),
  network('VNI in use', '{subnets: [{cidr: 10.50.0.0/24}], vni: 7001}', /\/spec\/vni/),
  network('MTU too small', '{subnets: [{cidr: 10.50.0.0/24}], mtu: 20}', /\/spec\/mtu/),
  network('MTU too large', '{subnets: [{cidr: 10.50.0.0/24}], mtu: 100000}', /\/spec\/mtu/),
  network('MTU is text', '{subnets: [{cidr: 10.50.0.0/24}], mtu: big}', /\/spec\/mtu/),
  network('domain with a space', '{subnets: [{cidr: 10.50.0.0/24}], domain: "red example"}', /\/spec\/domain/),
  network('domain of 300 characters', `{subnets: [{cidr: 10.50.0.0/24}], domain: ${'a'.repeat(300)}}`, /\/spec\/domain/),
  network('spec is a list', '[1, 2]', /\/spec/),
  network('spec is text', 'hello', /\/spec/),

  port('no network', '{binding: {type: none}}', /\/spec/, /network/),
  port('dangling network', '{network: blue, binding: {type: none}}', /\/spec\/network/, /blue/),
  port('network of another project', '{network: other/red, binding: {type: none}}', /\/spec\/network/),
  port('network is a number', '{network: 5, binding: {type: none}}', /\/spec\/network/),
  port('network is null', '{network: null, binding: {type: none}}', /\/spec\/network/),
  port('unknown field', on('adress: 10.1.0.60'), /\/spec\/adress/, /addresses/),
  port('address outside the subnet', on('addresses: [10.9.0.1]'), /\/spec\/addresses\/0/),
  port('address of the gateway', on('addresses: [10.1.0.1]'), /\/spec\/addresses\/0/),
  port('network address', on('addresses: [10.1.0.0]'), /\/spec\/addresses\/0/),
  port('broadcast address', on('addresses: [10.1.0.255]'), /\/spec\/addresses\/0/),
  port('no address', on('addresses: [web1]'), /\/spec\/addresses\/0/),
  port('address with prefix length', on('addresses: [10.1.0.60/24]'), /\/spec\/addresses\/0/),
  port('address in use', on('addresses: [10.1.0.50]'), /\/spec\/addresses\/0/, /taken/),
  port('the same address twice', on('addresses: [10.1.0.60, 10.1.0.60]'), /\/spec\/addresses/),
  port('addresses is text', on('addresses: 10.1.0.60'), /\/spec\/addresses/),
  port('MAC in use', on('mac: "02:00:00:00:00:50"'), /\/spec\/mac/, /taken/),
  port('multicast MAC', on('mac: "01:00:5e:00:00:01"'), /\/spec\/mac/),
  port('broadcast MAC', on('mac: "ff:ff:ff:ff:ff:ff"'), /\/spec\/mac/),
  port('zero MAC', on('mac: "00:00:00:00:00:00"'), /\/spec\/mac/),
  port('the gateway MAC', on('mac: "00:00:5e:00:01:00"'), /\/spec\/mac/),
  port('five-byte MAC', on('mac: "02:00:00:00:00"'), /\/spec\/mac/),
  port('MAC is a number', on('mac: 2'), /\/spec\/mac/),
  port('MAC with letters beyond f', on('mac: "02:00:00:00:00:zz"'), /\/spec\/mac/),
  port('hostname with a space', on('hostname: "web one"'), /\/spec\/hostname/),
  port('hostname of 64 characters', on(`hostname: ${'h'.repeat(64)}`), /\/spec\/hostname/),
  port('hostname with a leading dash', on('hostname: "-web"'), /\/spec\/hostname/),
  port('hostname is a list', on('hostname: [web]'), /\/spec\/hostname/),
  port('port security is text', on('portSecurity: sometimes'), /\/spec\/portSecurity/),
  port('binding is text', bound('none'), /\/spec\/binding/),
  port('binding without type', bound('{interface: eth0}'), /\/spec\/binding/),
  port('unknown binding type', bound('{type: wire}'), /\/spec\/binding/),
  port('netns binding without a namespace', bound('{type: netns, interface: eth0}'), /\/spec\/binding/),
  port('netns binding with an unknown field', bound('{type: netns, netns: vm1, interface: eth0, speed: 10}'), /\/spec\/binding/),
  port('namespace with a path inside', bound('{type: netns, netns: "../../etc", interface: eth0}'), /\/spec\/binding\/netns/),
  port('interface name of 16 characters', bound('{type: interface, interface: abcdefghijklmnop}'), /\/spec\/binding\/interface/),
  port('interface name with a slash', bound('{type: interface, interface: eth0/1}'), /\/spec\/binding\/interface/),
  port('VLAN 0', bound('{type: vlan, parent: trunk0, vlan: 0}'), /\/spec\/binding\/vlan/),
  port('VLAN 4095', bound('{type: vlan, parent: trunk0, vlan: 4095}'), /\/spec\/binding\/vlan/),
  port('VLAN in use', bound('{type: vlan, parent: trunk0, vlan: 50}'), /\/spec\/binding\/vlan/, /taken/),
  port('dangling trunk', bound('{type: vlan, parent: trunk9, vlan: 5}'), /\/spec\/binding\/parent/, /trunk9/),

  router('dangling network', '{networks: [red, blue]}', /\/spec\/networks\/1/, /blue/),
  router('the same network twice', '{networks: [red, red]}', /\/spec\/networks/),
  router('networks overlap', '{networks: [red, red-too]}', /\/spec\/networks/),
  router('networks is text', '{networks: red}', /\/spec\/networks/),

  named('300 characters', 'n'.repeat(300)),
  named('upper case', 'Red'),
  named('empty', ''),
  named('a slash', 'a/b'),
  named('a leading dot', '.a'),
  { name: 'no metadata', document: 'kind: VirtualNetwork\nspec: {subnets: []}\n', names: [/metadata/] },
  { name: 'no kind', document: 'metadata: {name: a}\nspec: {}\n', names: [/kind/] },
  { name: 'unknown kind', document: `${head('VirtualNetwrk', 'a')}spec: {}\n`, names: [/VirtualNetwrk/, /VirtualNetwork/] },
  {
    name: 'unknown apiVersion',
    document: 'apiVersion: weft/v9\nkind: VirtualNetwork\nmetadata: {name: a}\nspec: {subnets: [{cidr: 10.50.0.0/24}]}\n',
    names: [/apiVersion/, /weft\/v1/],
  },
  {
    name: 'unknown project',
    document: 'kind: VirtualNetwork\nmetadata: {name: a, project: nowhere}\nspec: {subnets: [{cidr: 10.50.0.0/24}]}\n',
    names: [/nowhere/],
  },
  { name: 'not an object', document: '- 1\n- 2\n', names: [/object/] },
  { name: 'broken YAML', document: 'kind: [VirtualNetwork\nmetadata: {\n', names: [/line \d/] },
  { name: 'a tab for indentation', document: 'kind: VirtualNetwork\nmetadata:\n\tname: a\n', names: [/line \d/] },
  { name: 'cyclic YAML', document: 'kind: VirtualNetwork\nmetadata: {name: a}\nspec: &loop {subnets: [*loop]}\n', names: [/cycl|alias/i] },
  {
    name: 'alias bomb',
    document: `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((letter, index) => `${letter}: &${letter} [${Array(9).fill(`*${'abcdefg'[index]}`).join(',')}]`)
      .join('\n')}\nkind: VirtualNetwork\nmetadata: {name: a}\n`,
    names: [/alias/i],
  },
  {
    name: 'nesting of 1,000 levels',
    document: `kind: VirtualNetwork\nmetadata: {name: a}\nspec: ${'['.repeat(1000)}${']'.repeat(1000)}\n`,
    names: [/nest|deep|level/i],
  },
  {
    name: 'the same object twice',
    document: `${head('VirtualNetwork', 'twin')}spec: {subnets: [{cidr: 10.50.0.0/24}]}\n---\n${head('VirtualNetwork', 'twin')}spec: {subnets: [{cidr: 10.51.0.0/24}]}\n`,
    names: [/twin/],
  },
  {
    name: 'one good, one bad',
    document: `${head('VirtualNetwork', 'good')}spec: {subnets: [{cidr: 10.50.0.0/24}]}\n---\n${head('Port', 'bad')}spec: {network: good, binding: {type: none}, addresses: [10.99.0.1]}\n`,
    names: [/Port\/default\/bad/, /\/spec\/addresses\/0/],
  },
];
