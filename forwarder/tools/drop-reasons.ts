/** The reasons of src/drop.def, grouped, each with what an operator can do about it: as docs/reference/drop-reasons.md, and as data for `weft explain drop`. */

interface Reason {
  readonly name: string;
  readonly sentence: string;
}

interface Group {
  readonly title: string;
  readonly about: string;
  /** What to do, by the reason's name. */
  readonly advice: Readonly<Record<string, string>>;
}

const capture = 'Look at it: `weft capture` on the port.';

const groups: readonly Group[] = [
  {
    title: 'Frames that may not enter',
    about: 'Decided where the frame comes in, before anything else is done with it.',
    advice: {
      malformed: `A few are a broken sender; many from one port are an attack or a bad driver. ${capture}`,
      oversized: 'Turn off TSO and GRO on the interface that it comes from, or lower its MTU.',
      'not-attached': 'Give the port a network (`spec.network`). If it has one, `weft get Port` says why it is not active.',
      'spoofed-mac': 'If the machine rightly uses another MAC address, add it to `spec.allowedAddressPairs`; otherwise somebody forges.',
      'spoofed-address':
        'If the machine rightly uses the address, add it to `spec.allowedAddressPairs`; otherwise somebody forges, or it is misconfigured. At an uplink: a packet from outside with one of this appliance’s own addresses as its source; somebody out there forges it or has the same address.',
      'invalid-source': `No machine may send from such an address: find the sender. ${capture}`,
      'router-guard': 'Stop the router daemon on the machine, or turn the port’s security off if it shall be the router.',
      'nd-invalid': `A broken or hostile IPv6 stack. ${capture}`,
      'vlan-unknown': 'Make a port with this VLAN on the trunk, or stop the sender from using it.',
      'vlan-tagged': 'Let the machine send untagged frames, or make its port a trunk.',
      'reserved-multicast': 'Nothing: switches talk so to each other (STP, LLDP), and a network must not pass it on.',
    },
  },
  {
    title: 'Within a network',
    about: 'The frame was to be bridged.',
    advice: {
      'unknown-mac':
        'The receiver is gone or has another MAC address than its port says. For machines without a port: let the network flood.',
      'same-port': 'Nothing, when a machine talks to itself or to one behind the same port.',
      'no-listener': 'Nothing: nobody else is there.',
      'storm-limit': 'Find what the port sends so much of (`weft capture`); raise the network’s limit if it is meant to.',
      'nd-suppressed': 'Nothing: others need not hear it.',
      'arp-suppressed': 'Nothing: others need not hear it.',
      'not-bridged':
        'The machine sends to a MAC address it should not know: clear its ARP table; or the network should be of mode `l2_l3`.',
    },
  },
  {
    title: 'Routing',
    about: 'The packet was addressed to a gateway.',
    advice: {
      'no-route': 'Add a route, or a router between the networks. `weft trace` shows which table was asked.',
      'no-neighbor': 'No port of that network has the destination address: the machine is gone or the address is wrong.',
      blackhole: 'A route says so. Remove it if it should not.',
      'next-hop-drop': 'A route says so. Remove it if it should not.',
      'ecmp-empty': 'All members of the group are gone: see their ports or health checks.',
      'ttl-exceeded': 'Nothing, when somebody runs traceroute; many are a routing loop: `weft trace`.',
      'mtu-exceeded':
        'Let senders use the smaller MTU (they are told, by ICMP); firewalls that drop ICMP cause this. Or raise the port’s MTU.',
      'invalid-address': `Loopback, multicast or other addresses that no router passes on: find the sender. ${capture}`,
      'not-routed': 'The network is of mode `l2` and has no gateway: let the machine use another one, or change the mode.',
      'not-ip': 'Only IP can be routed. In a network of mode `l3` use mode `l2_l3` if other protocols are needed.',
      'extension-headers': `Rare in honest traffic. ${capture}`,
      unresolved: 'For a moment during changes: nothing. If it goes on, a plugin did not send all its rows: `weft status`.',
    },
  },
  {
    title: 'Policy and flows',
    about: 'The security groups of a port, and what is remembered of conversations.',
    advice: {
      'policy-denied':
        'Closed unless a rule says otherwise: `weft trace` names the groups that were asked, `weft denials` the packets. Add a rule to one of them if this should pass.',
      'policy-pending': 'For a moment after a port is made: nothing. If it goes on: `weft status` shows whether plugin `policy` runs.',
      'flow-table-full': 'Raise the forwarder’s `flows/pairs`; `weft flows` shows who has so many.',
      'flow-port-limit':
        'This machine opens too many connections: a scan or an attack. If it is honest, raise the forwarder’s `flows/portPercent`.',
      'tcp-mid-stream': 'Connections from before the start must be made anew; or set the forwarder’s `flows/tcpPickup` to `forward`.',
      'icmp-error-invalid': `Rare in honest traffic. ${capture}`,
      'fragment-invalid': `An attack, or a broken sender. ${capture}`,
      'fragment-unknown': 'The first fragment was lost or denied: look for drops of the same port at the same time.',
      'fragment-limit': 'This machine sends fragments in a strange order or an attack. Others are not hurt.',
    },
  },
  {
    title: 'Services and plugins',
    about: 'The packet was for a service of the appliance, or a plugin sent it.',
    advice: {
      'service-limit': 'This machine asks too often: a loop or an attack. Others are not hurt.',
      'service-stale': 'Harmless after a port is removed or a VM changes its address: what was on its way to it ends here.',
      'service-stray': 'The plugin behind the port speaks where it should only answer; its log may say why.',
      'gateway-fragment': 'Ping the gateway with less than the MTU; TCP and UDP services need no fragments.',
      'service-unserved': 'Nothing answers there. If something should, `weft status` shows whether its plugin runs.',
      'punt-class-limit': 'The service gets more than it may handle. Find who asks so much: `weft drops` by port.',
      'punt-port-limit': 'This machine asks too often: a loop or an attack. Others are not hurt.',
      'punt-ring-full': 'The plugin is too slow or stands still: `weft status`, its log.',
      'punt-not-served': 'The plugin is disabled or crashed: `weft status`.',
      'inject-stale': 'Nothing: the port changed while an answer for it was under way.',
      'inject-malformed': 'An error of the plugin: report it.',
      'inject-ring-full': 'A plugin sends faster than packets are handled: see its log; more packet threads may help.',
    },
  },
  {
    title: 'The way out',
    about: 'The packet was to leave, or came, through an uplink.',
    advice: {
      'nat-exhausted': 'Raise `maxBlocksPerPort` or give the pool more addresses; `weft nat` shows who uses its ports.',
      'nat-protocol': 'Give the port a FloatingIp: one to one, every protocol passes.',
      'nat-conflict': 'Try again from another source port.',
      'nat-no-mapping': 'Usual noise of the internet. To be reached from outside a VM needs a FloatingIp.',
      'not-translated':
        'Give the router of the network `external.snatPool`, or the port a FloatingIp, or route the network natively (`underlay`).',
      'left-to-host': 'Nothing: the host has it.',
      'uplink-transit': 'Somebody outside uses this appliance as a router: see who, with `weft capture`.',
      'neighbor-told': 'Nothing: gateways are asked each second whether they live.',
    },
  },
  {
    title: 'Ports and resources',
    about: 'The packet was to leave.',
    advice: {
      'no-memory': 'Raise the forwarder’s memory (`memoryMib`).',
      'handover-full': 'Add packet threads, or give them CPUs of their own.',
      'tx-full': 'The receiver takes packets too slowly: a machine that is short of CPU, or a link that is too narrow.',
      'tx-refused': 'See the MTU and state of the interface behind the port.',
      'port-down': 'See the port’s reason: `weft get Port`.',
    },
  },
];

export function parseReasons(definitions: string): Reason[] {
  return [...definitions.matchAll(/^DROP\(\w+, "([^"]+)", "([^"]+)"\)$/gm)].map(([, name = '', sentence = '']) => ({ name, sentence }));
}

/** Sentences by name. Throws when a reason has no advice, or advice no reason. */
function sentencesOf(definitions: string): Map<string, string> {
  const sentences = new Map(parseReasons(definitions).map(({ name, sentence }) => [name, sentence]));
  const advised = groups.flatMap(({ advice }) => Object.keys(advice));
  const missing = [...sentences.keys()].filter((name) => !advised.includes(name));
  const gone = advised.filter((name) => !sentences.has(name));
  if (missing.length > 0 || gone.length > 0)
    throw new Error(
      `forwarder/tools/drop-reasons.ts and src/drop.def differ: ${[...missing.map((name) => `${name} has no advice`), ...gone.map((name) => `${name} is no reason`)].join(', ')}`,
    );
  return sentences;
}

/** kernel/contract/net/drop-reasons.gen.ts. */
export function dropReasonsFile(definitions: string): string {
  const sentences = sentencesOf(definitions);
  const reasons = groups.flatMap(({ advice }) =>
    Object.entries(advice).map(([name, what]) => ({ name, meaning: sentences.get(name), advice: what })),
  );
  return `/** Why packets end without being sent. Generated by forwarder/tools/gen.ts from forwarder/src/drop.def: do not edit. */
export const dropReasons: readonly { readonly name: string; readonly meaning: string; readonly advice: string }[] = ${JSON.stringify(reasons, null, 2)};
`;
}

/** Throws when a reason has no advice, or advice no reason. */
export function dropReasonsPage(definitions: string): string {
  const sentences = sentencesOf(definitions);
  const sections = groups.map(({ title, about, advice }) => {
    const rows = Object.entries(advice).map(([name, what]) => `| \`${name}\` | ${sentences.get(name)} | ${what} |`);
    return [`## ${title}`, '', about, '', '| reason | what happened | what to do |', '| --- | --- | --- |', ...rows, ''].join('\n');
  });
  return [
    '<!-- Generated by forwarder/tools/gen.ts from forwarder/src/drop.def: do not edit. -->',
    '',
    '# Drop reasons',
    '',
    'Why a packet ended without being sent. Each drop is counted once, under one of these names, for the port that the packet entered through:',
    '`weft drops` shows them, and captures carry them as comments.',
    '',
    ...sections,
  ].join('\n');
}
