/** The shapes of `network`'s kinds that other plugins read. The schemas stand in plugins/network/kinds.ts; a test there keeps both equal. */
import type { WeftObject } from '../system/object.ts';
import type { IpFamily } from './ip.ts';
import type { ForwardingMode } from './terms.ts';

/** What DHCP clients and hearers of router advertisements are told beside addresses. Port before subnet before network, field by field. */
export interface DhcpOptions {
  /** NTP servers, either family (RFC 2132 §8.3, RFC 5908). */
  readonly ntp?: readonly string[];
  /** Domains that resolvers complete names with (RFC 3397, RFC 3646, RFC 8106). */
  readonly domainSearch?: readonly string[];
  /** IPv4 only: options 66, 67 (RFC 2132 §9.4, §9.5) and 150 (RFC 5859). */
  readonly tftpServerName?: string;
  readonly bootFile?: string;
  readonly tftpServers?: readonly string[];
  /** Any other option by its number. */
  readonly custom?: readonly CustomDhcpOption[];
}

/** `hex` or `text`, not both. */
export interface CustomDhcpOption {
  /** IP version of the protocol: 4 (default) or 6. */
  readonly family?: IpFamily;
  readonly code: number;
  readonly hex?: string;
  readonly text?: string;
}

/** How names of the outside are found for a network. */
export interface ResolverSpec {
  /** ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; default: those of the plugin dns. */
  readonly upstreams?: readonly string[];
  /** Prefix of length 96 for AAAA records made of A records (RFC 6147), such as 64:ff9b::/96; default: none are made. */
  readonly dns64?: string;
  /** Order of several records of one name and type. Default: the plugin's. */
  readonly recordOrder?: 'fixed' | 'random' | 'round-robin';
}

export interface SubnetSpec {
  readonly cidr: string;
  readonly gateway?: string;
  readonly pool?: { readonly from: string; readonly to: string };
  readonly dhcp: boolean;
  readonly slaac?: boolean;
  readonly dns?: readonly string[];
  readonly routes?: readonly { readonly prefix: string; readonly nextHop: string }[];
  readonly dhcpOptions?: DhcpOptions;
}

export interface VirtualNetworkSpec {
  readonly subnets: readonly SubnetSpec[];
  readonly forwarding: ForwardingMode;
  /** Frames to a unicast MAC address that nobody is known to have. Default: drop. */
  readonly unknownUnicast?: 'drop' | 'flood';
  /** Frames per second that one port may have flooded; 0: no limit. */
  readonly floodRate?: number;
  readonly vni?: number;
  /** Name of an Uplink: the network is routed natively through it, with its own addresses. */
  readonly underlay?: string;
  readonly domain?: string;
  readonly mtu?: number;
  readonly dhcpOptions?: DhcpOptions;
  readonly resolver?: ResolverSpec;
}

export interface VirtualNetworkStatus {
  readonly phase?: 'Active' | 'Pending';
  /** Bridge and VRF number in forwarder rows. */
  readonly id: number;
  readonly vni: number;
  readonly mtu: number;
  /** Gateway address per subnet, in the order of spec.subnets, canonical, filled with the default. A network with `forwarding: l2` answers for none of them. */
  readonly gateways: readonly string[];
}

export type PortBinding =
  | { readonly type: 'none' }
  | { readonly type: 'netns'; readonly netns: string; readonly interface: string }
  | { readonly type: 'tap'; readonly interface: string }
  | { readonly type: 'interface'; readonly interface: string }
  | { readonly type: 'vlan'; readonly parent: string; readonly vlan: number }
  | { readonly type: 'vhost-user'; readonly socket: string; readonly server?: boolean }
  | { readonly type: 'pci'; readonly address: string };

export interface AddressPair {
  /** An address or a prefix. */
  readonly address: string;
  /** Default: the port's. */
  readonly mac?: string;
}

export interface PortSpec {
  readonly network: string;
  readonly hostname?: string;
  readonly instanceId?: string;
  readonly mac?: string;
  readonly addresses?: readonly string[];
  readonly allowedAddressPairs?: readonly AddressPair[];
  readonly portSecurity: boolean;
  readonly securityGroups?: readonly string[];
  readonly host?: string;
  readonly dhcpOptions?: DhcpOptions;
  readonly binding: PortBinding;
}

export interface PortStatus {
  readonly phase?: 'Active' | 'Pending' | 'Down';
  /** Port number in forwarder rows and punts. */
  readonly id: number;
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly reason: string;
  readonly since: string;
}

export type VirtualNetwork = WeftObject<VirtualNetworkSpec, VirtualNetworkStatus>;
export type Port = WeftObject<PortSpec, PortStatus>;

export interface TrunkSpec {
  readonly binding: PortBinding;
}

export interface TrunkStatus {
  readonly phase?: 'Active' | 'Pending' | 'Down';
  /** Port number in forwarder rows; shares the number space of Ports. */
  readonly id: number;
  readonly reason: string;
  readonly since: string;
}

export type Trunk = WeftObject<TrunkSpec, TrunkStatus>;

export interface LogicalRouterSpec {
  readonly networks: readonly string[];
  readonly external?: { readonly snatPool: string };
}

export interface LogicalRouterStatus {
  readonly phase?: 'Active' | 'Pending';
  readonly id: number;
}

export type LogicalRouter = WeftObject<LogicalRouterSpec, LogicalRouterStatus>;

export interface UplinkSpec {
  readonly binding: PortBinding;
  /** ADDRESS/LENGTH, either family: the appliance's own addresses there, and the subnets behind the uplink. */
  readonly addresses: readonly string[];
  /** Upstream routers, in one of those subnets or link-local; those of one family share the traffic. */
  readonly gateways?: readonly string[];
  /** IEEE 802.1Q VID; 0: untagged. */
  readonly vlan?: number;
  readonly mtu?: number;
  /** Prefixes with all outside addresses of SnatPools and FloatingIps, and all subnets of networks that are routed natively there. Default: any. */
  readonly allowedPrefixes?: readonly string[];
}

export interface UplinkGatewayStatus {
  readonly address: string;
  readonly reachable: boolean;
}

export interface UplinkStatus {
  readonly phase?: 'Active' | 'Pending' | 'Down';
  /** Port number in forwarder rows; shares the number space of Ports. */
  readonly id: number;
  /** Number of its bridge and VRF, which shares the number space of VirtualNetworks. */
  readonly network: number;
  /** With a VLAN: number of the port that has the binding and carries it; of the space of Ports, too. */
  readonly trunk?: number;
  /** Of the appliance on that link; empty until it is known. */
  readonly mac: string;
  readonly gateways: readonly UplinkGatewayStatus[];
  readonly reason: string;
  readonly since: string;
}

export type Uplink = WeftObject<UplinkSpec, UplinkStatus>;
