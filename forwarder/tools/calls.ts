/** Enumerations and calls of libforwarder's public interface; see schema.ts. */
import { type CallSpec, type EnumSpec, rows } from './schema.ts';

export const enums: readonly EnumSpec[] = [
  {
    name: 'err',
    prefix: 'FWD_ERR',
    doc: 'What a call returns when it refuses; fwd_error_text has the sentence.',
    values: [
      ['ARGUMENT', -1, 'an argument is out of range or a buffer is NULL or too small'],
      ['STATE', -2, 'not started, started already, or called out of order'],
      ['ROW', -3, 'an operation of the batch is malformed; the text names operation and field'],
      ['OWNER', -4, 'the row belongs to another owner'],
      ['GENERATION', -5, 'not the generation that the owner began last'],
      ['FULL', -6, 'the table, the journal or the list of owners is full'],
      ['MEMORY', -7, 'out of memory'],
      ['SYSTEM', -8, 'the operating system refused; the text says what'],
      ['EAL', -9, 'DPDK did not start; the log says why'],
      ['TAKEN', -10, 'the address belongs to another socket'],
    ],
  },
  {
    name: 'table',
    prefix: 'FWD_TABLE',
    doc: 'Tables of rows.',
    values: rows.map((row) => [row.name.toUpperCase(), row.number, row.doc] as const),
  },
  {
    name: 'op',
    prefix: 'FWD_OP',
    doc: 'Operations of a batch.',
    values: [
      ['UPSERT', 1, 'the row follows'],
      ['DELETE', 2, 'the row follows; only its key counts; a row that is not there is no error'],
    ],
  },
  {
    name: 'mode',
    prefix: 'FWD_MODE',
    doc: 'How a bridge forwards.',
    values: [
      ['L2', 0, 'bridged only'],
      ['L3', 1, 'every IP packet is routed, the rest dropped'],
      ['L2_L3', 2, "frames to the gateway's MAC address are routed, others bridged"],
    ],
  },
  {
    name: 'bridge_flag',
    prefix: 'FWD_BRIDGE',
    doc: 'Bits of bridge.flags.',
    values: [
      ['FLOOD_UNKNOWN', 1, 'flood unknown unicast'],
      ['UNDERLAY', 2, 'routed natively: what leaves through an uplink keeps its addresses'],
    ],
  },
  {
    name: 'port_flag',
    prefix: 'FWD_PORT',
    doc: 'Bits of port.flags.',
    values: [
      ['SECURITY', 1, 'frames must come from the MAC address of the port and, IP and neighbour protocols, from its rows of table source'],
      ['POLICY_REQUIRED', 2, 'closed until its policy is there'],
      ['TRUNK', 4, 'carries tagged frames for VLAN ports'],
      ['SERVER', 8, 'vhost_user: the forwarder makes the socket and the VM connects; else the other way round'],
      ['SERVICE', 16, 'binding netns: a service port, behind it the plugin whose owner number is its parent; in no bridge'],
      ['UPLINK', 32, 'the underlay side: own MAC and addresses, neighbours are asked for; binding interface: the host goes on using it'],
    ],
  },
  {
    name: 'binding',
    prefix: 'FWD_BINDING',
    doc: 'How a port is tied to the outside.',
    values: [
      ['NONE', 0, 'not at all'],
      ['INTERFACE', 1, 'an interface of the host'],
      ['NETNS', 2, 'a veth pair with one end in a namespace'],
      ['VLAN', 3, 'tagged frames of the parent port'],
      ['ETHDEV', 4, 'a DPDK device'],
      ['TAP', 5, 'a tap interface of the host, made here'],
      ['VHOST_USER', 6, 'a virtio device of a virtual machine, over a UNIX socket'],
    ],
  },
  {
    name: 'neighbor_flag',
    prefix: 'FWD_NEIGHBOR',
    doc: 'Bits of neighbor.flags.',
    values: [['GATEWAY', 1, 'answered with, and routed by, this appliance']],
  },
  {
    name: 'nexthop_type',
    prefix: 'FWD_NEXTHOP',
    doc: 'What a next hop does.',
    values: [
      ['DROP', 0, 'drop'],
      ['PORT', 1, 'rewrite and send'],
      ['BLACKHOLE', 2, 'drop without a word'],
      ['ECMP', 3, 'one of the members of a group, chosen by a hash of the flow'],
      ['PUNT', 4, 'hand to a plugin'],
      ['VRF', 5, 'look the destination up in another VRF, once'],
      ['GATEWAY', 6, 'to a router behind an uplink; while it does not answer, the next member of the group'],
    ],
  },
  {
    name: 'nexthop_flag',
    prefix: 'FWD_NEXTHOP_FLAG',
    doc: 'Bits of nexthop.flags.',
    values: [['SLAAC', 1, 'a connected subnet in which ports may take IPv6 addresses by themselves (RFC 4862)']],
  },
  {
    name: 'nat_flag',
    prefix: 'FWD_NAT',
    doc: 'Bits of nat_address.flags.',
    values: [
      ['HOST', 1, "perhaps an address of the host, too: then only ports that the host's sockets do not use are given out"],
      ['REUSE', 2, 'TCP: a port whose blocks are used up shares outside ports among remotes'],
      ['DEPENDENT_MAPPING', 4, 'each remote address and port gets an outside port of its own; else endpoint-independent (RFC 4787 §4.1)'],
      ['DEPENDENT_FILTERING', 8, 'only a remote that was sent to may answer; else endpoint-independent (RFC 4787 §5)'],
    ],
  },
  {
    name: 'nat_event_kind',
    prefix: 'FWD_NAT_EVENT',
    doc: 'What a nat_event tells.',
    values: [
      ['LISTED', 0, 'a block that a port has'],
      ['ASSIGNED', 1, 'a port got a block'],
      ['RELEASED', 2, 'a block went back: none of its outside ports is used any more'],
      ['EXHAUSTED', 3, 'a new flow of a port found no outside port; told once in 10 seconds for each port'],
    ],
  },
  {
    name: 'action',
    prefix: 'FWD_ACTION',
    doc: 'What a service row does.',
    values: [
      ['PUNT', 0, 'hand the packet to a plugin'],
      ['PORT', 1, "send it out of the owner's service port"],
      ['REJECT', 2, 'tell the sender that nobody serves there'],
    ],
  },
  {
    name: 'rule_direction',
    prefix: 'FWD_RULE',
    doc: 'Which flows a rule is asked about.',
    values: [
      ['INGRESS', 0, 'those to the port; the remote is the source'],
      ['EGRESS', 1, 'those from the port; the remote is the destination'],
    ],
  },
  {
    name: 'rule_action',
    prefix: 'FWD_RULE',
    doc: 'What a rule says of flows that match.',
    values: [
      ['ALLOW', 0, 'they pass, with their answers'],
      ['DENY', 1, 'they are dropped'],
    ],
  },
  {
    name: 'tcp_pickup',
    prefix: 'FWD_TCP_PICKUP',
    doc: 'What becomes of a TCP segment without SYN that belongs to no flow.',
    values: [
      ['FORWARD', 0, 'decided as if it were the first of its direction'],
      ['EITHER', 1, 'allowed when either direction would be'],
      ['NEVER', 2, 'dropped'],
    ],
  },
  {
    name: 'flow_event',
    prefix: 'FWD_FLOW_EVENT',
    doc: 'Why a flow is told of.',
    values: [
      ['LISTED', 0, 'it was asked for'],
      ['BEGAN', 1, 'its first packet passed'],
      ['ENDED', 2, 'it was forgotten: out of time, evicted, or replaced by a new connection'],
      ['DENIED', 3, 'a packet of it was denied; nothing is remembered of one that was never allowed'],
    ],
  },
  {
    name: 'flow_state',
    prefix: 'FWD_FLOW',
    doc: 'What is known of a flow.',
    values: [
      ['OPENING', 0, 'TCP: the handshake is not complete; others: no answer yet'],
      ['ESTABLISHED', 1, 'both sides speak'],
      ['CLOSING', 2, 'TCP: one side has ended'],
      ['CLOSED', 3, 'TCP: both have, or it was reset'],
    ],
  },
  {
    name: 'link',
    prefix: 'FWD_LINK',
    doc: 'State of a port.',
    values: [
      ['PENDING', 0, 'being made or retried'],
      ['UP', 1, 'carries frames'],
      ['DOWN', 2, 'exists, no carrier'],
    ],
  },
  {
    name: 'direction',
    prefix: 'FWD_DIRECTION',
    doc: 'How a captured frame passed the port.',
    values: [
      ['NONE', 0, 'not at all: a copy or an answer that was dropped before it left'],
      ['IN', 1, 'it came in'],
      ['OUT', 2, 'it was to leave'],
    ],
  },
  {
    name: 'step_kind',
    prefix: 'FWD_STEP',
    doc: 'What a step of a trace tells, and what follows it.',
    values: [
      ['STAGE', 0, 'a stage gave a verdict: value is enum fwd_verdict or a drop reason; its name follows'],
      ['ROW', 1, 'a row decided; value is its table, the row follows'],
      ['SENT', 2, 'a frame leaves through port; it follows'],
      ['DROPPED', 3, 'a frame ends; value is the drop reason; it follows'],
      ['PUNTED', 4, 'a frame goes to a plugin; value is the punt class; it follows'],
      ['MADE', 5, 'a frame is made besides the one that caused it: a copy, a fragment, an ICMP error; it follows'],
      ['LEARNED', 6, 'an address behind the port is remembered; value is the table that gets the row; the key follows'],
      ['FLOW', 7, 'the packet belongs to a flow, or would begin one (event BEGAN); a struct fwd_flow follows'],
    ],
  },
  {
    name: 'verdict',
    prefix: 'FWD_VERDICT',
    doc: 'What a stage says of a frame, besides the numbers of drop reasons, which lie below.',
    values: [
      ['NEXT', 128, 'go on'],
      ['SEND', 129, 'leaves through a port'],
      ['REPLY', 130, 'turned round: leaves through the port it came from'],
      ['FLOOD', 131, 'to every other port of the network'],
      ['PUNT', 132, 'to a plugin'],
      ['ROUTE', 133, 'look up its destination'],
      ['FRAGMENT', 134, 'leaves through a port in pieces'],
    ],
  },
];

/** Calls by thread: every one may be made from any thread unless its text says otherwise; none blocks for longer than its work. */
export const calls: readonly CallSpec[] = [
  { name: 'fwd_abi', returns: 'uint64_t', parameters: [], doc: 'The hash of the interface that the library was built from.' },
  {
    name: 'fwd_layout',
    returns: 'int32_t',
    parameters: [
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes sizeof and offsets of every record as u32, in the order of the table. Returns how many there are.\nErrors: ARGUMENT (length in bytes is too small).',
  },
  {
    name: 'fwd_error_text',
    returns: 'int32_t',
    parameters: [
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes the sentence about the last call that failed on this thread, with a NUL. Returns its length.\nErrors: ARGUMENT.',
  },
  {
    name: 'fwd_start',
    returns: 'int32_t',
    parameters: [
      ['const void *', 'config'],
      ['uint32_t', 'length'],
    ],
    doc: 'Starts DPDK on threads of its own, takes the state memory over and forwards. config is a struct fwd_config. Once per process.\nErrors: ARGUMENT, STATE, MEMORY, SYSTEM, EAL.',
  },
  {
    name: 'fwd_stop',
    returns: 'int32_t',
    parameters: [],
    doc: 'Stops all threads, closes ports. The state memory keeps the rows.\nErrors: STATE.',
  },
  {
    name: 'fwd_state_read',
    returns: 'int32_t',
    parameters: [
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes a struct fwd_state. Returns 0.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_owner_open',
    returns: 'int32_t',
    parameters: [['const char *', 'name']],
    doc: 'The number of the owner with this name (1 to 31 bytes), the same as long as the state memory lives. Returns 1 to 63.\nErrors: ARGUMENT, STATE, FULL.',
  },
  {
    name: 'fwd_rows_begin',
    returns: 'int32_t',
    parameters: [['uint32_t', 'owner']],
    doc: 'Begins a generation of the owner’s rows and forgets what it staged. Returns its number (1 to 2^31-1).\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_rows_apply',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'owner'],
      ['uint32_t', 'generation'],
      ['const void *', 'ops'],
      ['uint32_t', 'length'],
      ['uint32_t', 'more'],
    ],
    doc:
      'A batch: operations [u8 op][u8 table][u16 size][u32 0][row], each padded to 8 bytes. more 0: publishes it with all that was staged, all or nothing; 1: stages it.\n' +
      'Returns how many rows changed. After an error nothing is staged any more and no row has changed.\nErrors: ARGUMENT, STATE, ROW, OWNER, GENERATION, FULL, MEMORY.',
  },
  {
    name: 'fwd_rows_commit',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'owner'],
      ['uint32_t', 'generation'],
    ],
    doc: 'Removes the owner’s rows that were not sent since the generation began. Returns how many.\nErrors: ARGUMENT, STATE (something is staged), GENERATION, FULL, MEMORY.',
  },
  {
    name: 'fwd_rows_clear',
    returns: 'int32_t',
    parameters: [['uint32_t', 'owner']],
    doc: 'Removes all rows of the owner and forgets what it staged. Returns how many.\nErrors: ARGUMENT, STATE, FULL, MEMORY.',
  },
  {
    name: 'fwd_rows_read',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'owner'],
      ['uint32_t', 'table'],
      ['void *', 'cursor'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc:
      'Writes rows of the owner (0: of all) back to back. cursor is a u32 that the caller sets to 0 and passes on; 0xffffffff: that was the last part.\n' +
      'Returns the number of bytes, a multiple of the row’s size.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_ports_read',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'from'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes struct fwd_port_state of the ports with an id ≥ from, by id, as many as fit. Returns how many; 0: no more.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_ports_changes',
    returns: 'uint64_t',
    parameters: [],
    doc: 'Counts changes of any port’s state, generation or existence; 0 before the start.',
  },
  {
    name: 'fwd_ports_fd',
    returns: 'int32_t',
    parameters: [],
    doc: 'The reading end of a non-blocking pipe that gets a byte when fwd_ports_changes rises (at most one per unread byte). It stays the library’s.\nErrors: STATE.',
  },
  {
    name: 'fwd_stats_read',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'from'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes struct fwd_port_stats like fwd_ports_read.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_drops_read',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'from'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes struct fwd_drop for every reason that was counted, of ports with an id ≥ from, by id, whole ports only. Returns how many; 0: no more.\nErrors: ARGUMENT (not even one port fits), STATE.',
  },
  {
    name: 'fwd_drop_name',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'reason'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes "name: sentence" of a drop reason, with a NUL. Returns its length.\nErrors: ARGUMENT (no such reason).',
  },
  {
    name: 'fwd_punt_fd',
    returns: 'int32_t',
    parameters: [],
    doc: 'The reading end of a non-blocking pipe that gets a byte when a record waits after fwd_punt_arm. It stays the library’s.\nErrors: STATE.',
  },
  {
    name: 'fwd_punt_arm',
    returns: 'int32_t',
    parameters: [],
    doc: 'Asks for the next byte on fwd_punt_fd. Returns 1 when records wait already (no byte will come), else 0.\nErrors: STATE.',
  },
  {
    name: 'fwd_punt_read',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'owner'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Moves whole punt records of the owner’s classes to out. One caller per owner at a time. Returns the number of bytes; 0: none wait.\nErrors: ARGUMENT (the first record does not fit), STATE.',
  },
  {
    name: 'fwd_inject',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'owner'],
      ['const void *', 'records'],
      ['uint32_t', 'length'],
    ],
    doc: 'Hands a batch of punt records to the packet threads. Never waits: what does not fit is counted as dropped. Returns how many were taken.\nErrors: ARGUMENT (a record is cut short or of another version; those before it were taken), STATE.',
  },
  {
    name: 'fwd_filter_compile',
    returns: 'int32_t',
    parameters: [
      ['const char *', 'text'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc:
      'Compiles a pcap-filter expression to classic BPF (struct bpf_insn, 8 bytes each) for fwd_capture_open. Returns the number of bytes. May wait for name servers.\n' +
      'Errors: ARGUMENT (out is too small, at least 256 bytes; or the expression is wrong: out then holds the sentence, with a NUL).',
  },
  {
    name: 'fwd_capture_open',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'port'],
      ['uint32_t', 'snap'],
      ['const void *', 'filter'],
      ['uint32_t', 'length'],
    ],
    doc:
      'Begins to copy frames that pass a port, at most snap bytes of each (0: whole ones). filter is a program of fwd_filter_compile; length 0: all frames. Returns its number (≥ 1).\n' +
      'Errors: ARGUMENT (no such port, or the program may not end or leaves the frame), STATE, FULL (the port is captured already, or too many are), MEMORY.',
  },
  {
    name: 'fwd_capture_read',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'capture'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Moves records (struct fwd_captured) to out, in the order the frames passed, each about 10 ms after it did. One caller per capture at a time. Returns the number of bytes; 0: none wait.\nErrors: ARGUMENT (no such capture, or the first record does not fit), STATE.',
  },
  {
    name: 'fwd_capture_close',
    returns: 'int32_t',
    parameters: [['uint32_t', 'capture']],
    doc: 'Ends a capture. Returns how many frames found no room in it.\nErrors: ARGUMENT (no such capture), STATE.',
  },
  {
    name: 'fwd_trace',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'port'],
      ['const void *', 'frame'],
      ['uint32_t', 'frame_length'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc:
      'Walks a frame as if it had come in through the port, by the same code, and writes what happened as records (struct fwd_step); nothing is sent, counted, learned or taken from a limit. One at a time.\n' +
      'Returns the number of bytes.\nErrors: ARGUMENT (no such port, a frame of impossible length, or out is too small), STATE, MEMORY.',
  },
  {
    name: 'fwd_flows_read',
    returns: 'int32_t',
    parameters: [
      ['const void *', 'filter'],
      ['void *', 'cursor'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc:
      'Writes struct fwd_flow of the flows that fit a struct fwd_flow_filter, looking at some ten thousand at most. cursor is a u32 that the caller sets to 0 and passes on; 0xffffffff: that was the last part.\n' +
      'Flows that come or go meanwhile may be in it or not. Returns the number of bytes.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_flow_events',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'follow'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc:
      'Moves struct fwd_flow records of what happened to out, oldest first for each packet thread: flows denied (at most 10 a second for each port, bursts of 50), and while follow is 1 those that began and ended. What finds no room is lost and counted (fwd_flow_stats). One caller at a time.\n' +
      'Returns the number of bytes; 0: nothing waits.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_flow_stats_read',
    returns: 'int32_t',
    parameters: [
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes a struct fwd_flow_stats. Returns 0.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_nat_stats_read',
    returns: 'int32_t',
    parameters: [
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes a struct fwd_nat_address_stats of each row nat_address, as many as fit. Returns the number of bytes.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_nat_blocks_read',
    returns: 'int32_t',
    parameters: [
      ['void *', 'cursor'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes struct fwd_nat_event (LISTED) of the blocks that ports have. cursor as in fwd_rows_read. Returns the number of bytes.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_nat_events_read',
    returns: 'int32_t',
    parameters: [
      ['const void *', 'after'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc:
      'Writes struct fwd_nat_event with a sequence above the u64 at after, in order, as many as fit. The last 8,192 are kept, over restarts of the forwarder: a gap in the numbers says how many are lost.\n' +
      'Returns the number of bytes; 0: there is nothing new.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_rule_stats_read',
    returns: 'int32_t',
    parameters: [
      ['void *', 'cursor'],
      ['void *', 'out'],
      ['uint32_t', 'length'],
    ],
    doc: 'Writes struct fwd_rule_stats of every rule that decided something. cursor as in fwd_rows_read. Returns the number of bytes.\nErrors: ARGUMENT, STATE.',
  },
  {
    name: 'fwd_service_socket',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'owner'],
      ['uint32_t', 'protocol'],
      ['uint32_t', 'l4_port'],
      ['const char *', 'address'],
    ],
    doc:
      'Opens a socket in the namespace of a plugin’s service port: protocol 6 (TCP) listens on all addresses of both families, address is ""; 17 (UDP) is bound to one address.\n' +
      'Returns its descriptor, which is the caller’s.\nErrors: ARGUMENT, STATE (there is no service port, or not yet), TAKEN, SYSTEM.',
  },
  {
    name: 'fwd_service_namespace',
    returns: 'uint64_t',
    parameters: [['uint32_t', 'owner']],
    doc: 'Number of the namespace of a plugin’s service port, which no other that exists has; 0: there is none, or not yet.',
  },
  {
    name: 'fwd_service_hand',
    returns: 'int32_t',
    parameters: [
      ['uint32_t', 'connection'],
      ['uint32_t', 'descriptor'],
    ],
    doc: 'Sends a descriptor, which stays the caller’s, over a connected UNIX socket with one byte (SCM_RIGHTS). Never waits. Returns 0.\nErrors: SYSTEM.',
  },
];
