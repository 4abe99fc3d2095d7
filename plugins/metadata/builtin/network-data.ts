/** network_data.json: the link of a port and the networks on it, as Nova describes them. Pure. */
import { cidrContains, formatIp, ipWidth, isIpv4, parsePrefix, type SubnetSpec } from '@weft/kernel/contract/net';
import { addressesOf, type Guest } from '../guest.ts';

interface Route {
  readonly network: string;
  readonly netmask: string;
  readonly gateway: string;
}

interface Service {
  readonly type: 'dns';
  readonly address: string;
}

interface Attachment {
  readonly subnet: SubnetSpec;
  readonly family: 4 | 6;
  readonly address: string;
  readonly gateway: string | undefined;
  /** The client gets it by itself. */
  readonly dynamic: boolean;
}

const link = 'interface0';

export function networkData(guest: Guest): object {
  const { port, network } = guest;
  const attachments = attachmentsOf(guest);
  const networks = attachments.map((each, index) => ({
    id: `network${index}`,
    link,
    network_id: network.metadata.uid,
    ...(each.dynamic ? { type: dynamicType(each) } : fixed(each)),
  }));
  return {
    links: [{ id: link, vif_id: port.metadata.uid, type: 'phy', mtu: network.status.mtu, ethernet_mac_address: port.status.mac }],
    networks,
    services: servicesOf(attachments),
  };
}

/** One for each address of the port. A DHCP server gives one address of a family, the first; the others a client must be told. */
function attachmentsOf({ port, network }: Guest): readonly Attachment[] {
  return ([4, 6] as const).flatMap((family) =>
    addressesOf(port, family).flatMap((address, place) => {
      const index = network.spec.subnets.findIndex(({ cidr }) => cidrContains(cidr, address));
      const subnet = network.spec.subnets[index];
      if (subnet === undefined) return [];
      const routed = network.spec.forwarding !== 'l2' || subnet.gateway !== undefined;
      const gateway = routed ? network.status.gateways?.[index] : undefined;
      return [{ subnet, family, address, gateway, dynamic: subnet.dhcp && place === 0 }];
    }),
  );
}

function dynamicType({ family }: Attachment): string {
  return family === 4 ? 'ipv4_dhcp' : 'ipv6_dhcpv6-stateful';
}

function fixed(attachment: Attachment): object {
  const { subnet, family, address, gateway } = attachment;
  const own = gateway === undefined ? [] : [route(family === 4 ? '0.0.0.0/0' : '::/0', gateway)];
  const routes = [...own, ...(subnet.routes ?? []).map(({ prefix, nextHop }) => route(prefix, nextHop))];
  return { type: `ipv${family}`, ip_address: address, netmask: maskOf(subnet.cidr), routes, services: servicesOf([attachment]) };
}

function route(prefix: string, gateway: string): Route {
  return { network: prefix.slice(0, prefix.indexOf('/')), netmask: maskOf(prefix), gateway };
}

/** Nova writes IPv6 masks in full, too. */
function maskOf(cidr: string): string {
  const prefix = parsePrefix(cidr)?.prefix;
  if (prefix === undefined) return '';
  const all = (1n << BigInt(ipWidth(prefix.family))) - 1n;
  return formatIp({ family: prefix.family, value: all ^ (prefix.last ^ prefix.first) });
}

function servicesOf(attachments: readonly Attachment[]): readonly Service[] {
  const addresses = attachments.flatMap(({ subnet, gateway }) => subnet.dns ?? (gateway === undefined ? [] : [gateway]));
  return [...new Set(addresses)].sort((a, b) => Number(isIpv4(b)) - Number(isIpv4(a))).map((address) => ({ type: 'dns', address }));
}
