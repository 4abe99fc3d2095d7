/** The networking words and constants that plugins and forwarder share. */

/** Ethernet address of every network's gateway, on every appliance (RFC 5798 §7.3 range). */
export const gatewayMac = '00:00:5e:00:01:00';
/** Link-local address of every network's gateway, made of its Ethernet address (RFC 4291 appendix A). */
export const gatewayLinkLocal = 'fe80::200:5eff:fe00:100';

/** Forwarding mode of a network, and its number in bridge rows. */
export const forwardingModes = { l2: 0, l3: 1, l2_l3: 2 } as const;
export type ForwardingMode = keyof typeof forwardingModes;

/** Kind of a port's binding, and its number in port rows. */
export const bindingTypes = { none: 0, interface: 1, netns: 2, vlan: 3, ethdev: 4, tap: 5, vhostUser: 6 } as const;
export type BindingType = keyof typeof bindingTypes;

/** Who says a route; the lowest number wins for one prefix. `underlay`, `external`: the way out of a network, when nobody else says one. */
export const routeSources = { connected: 10, static: 20, leaked: 30, bgp: 40, underlay: 45, external: 50 } as const;

/** `vrf`: the destination is looked up in another VRF; `gateway`: a router behind an uplink. */
export const nexthopTypes = { drop: 0, port: 1, blackhole: 2, ecmp: 3, punt: 4, vrf: 5, gateway: 6 } as const;
/** Places that an ECMP group can have. */
export const ecmpPlaces = 256;
export const nexthopFlags = { slaac: 1 } as const;
/** `port`: through the plugin's service port; `reject`: the asker is told that nobody serves there. */
export const serviceActions = { punt: 0, port: 1, reject: 2 } as const;
/** Wildcard VRF of a service row. */
export const anyVrf = 0xffff_ffff;
/** IANA protocol numbers in use. */
export const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;
/** `underlay`: routed natively, what leaves through an uplink keeps its addresses. */
export const bridgeFlags = { floodUnknown: 1, underlay: 2 } as const;
export const portFlags = { portSecurity: 1, policyRequired: 2, trunk: 4, server: 8, service: 16, uplink: 32 } as const;
/** Of nat_address rows. `host`: an address of the host, too; `reuse`: TCP ports shared among remotes; the others: RFC 4787 §4.1 and §5. */
export const natFlags = { host: 1, reuse: 2, dependentMapping: 4, dependentFiltering: 8 } as const;
export const neighborFlags = { gateway: 1 } as const;
/** `ingress`: flows to the port, the remote is the source. */
export const ruleDirections = { ingress: 0, egress: 1 } as const;
export const ruleActions = { allow: 0, deny: 1 } as const;
/** The first number of an identity that plugins may use, and the last. */
export const identityRange = { least: 16, most: 65_535 } as const;
