/**
 * What RFCs demand of address translation, in our words, and the packet test that shows it (forwarder/test/nat_rfc_*_test.c) or why there is none.
 * gen.ts writes docs/reference/nat-requirements.md from it.
 */

/** MUST also stands for MUST NOT, SHOULD for RECOMMENDED. */
export type Level = 'MUST' | 'SHOULD';

export interface Requirement {
  readonly clause: string;
  readonly level: Level;
  readonly text: string;
  /** Function in a nat_rfc_*_test.c. */
  readonly test?: string;
  /** Why there is no test, or how we differ. */
  readonly why?: string;
}

export interface Document {
  readonly rfc: number;
  readonly title: string;
  readonly requirements: readonly Requirement[];
}

const udp: Document = {
  rfc: 4787,
  title: 'NAT Behavioral Requirements for Unicast UDP',
  requirements: [
    { clause: 'REQ-1', level: 'MUST', text: 'An endpoint inside has one endpoint outside, whoever it speaks with.', test: 'rfc4787_req_1' },
    { clause: 'REQ-2', level: 'SHOULD', text: 'All endpoints of one host inside have the same address outside.', test: 'rfc4787_req_2' },
    { clause: 'REQ-3', level: 'MUST', text: 'No two endpoints inside share an endpoint outside.', test: 'rfc4787_req_3' },
    {
      clause: 'REQ-3 a',
      level: 'SHOULD',
      text: 'A port below 1024 stays below 1024, another one above.',
      why: 'Differs: ports outside are those of the pool (`ports`, by default from 1024 on), whatever the port inside.',
    },
    {
      clause: 'REQ-4',
      level: 'SHOULD',
      text: 'Even ports stay even, odd ones odd.',
      why: 'Differs, as RFC 7857 §8 allows: it would halve what a block of ports can serve.',
    },
    { clause: 'REQ-5', level: 'MUST', text: 'A mapping lives for two minutes without packets at least.', test: 'rfc4787_req_5' },
    { clause: 'REQ-5 c', level: 'SHOULD', text: 'By default for five minutes.', test: 'rfc4787_req_5' },
    { clause: 'REQ-6', level: 'MUST', text: 'Packets from inside keep a mapping alive.', test: 'rfc4787_req_6' },
    {
      clause: 'REQ-7',
      level: 'MUST',
      text: 'Where the address outside is configured dynamically, networks inside must not conflict with the network outside.',
      why: 'Uplinks are configured by the operator, never by DHCP; each network has a VRF of its own, so that its addresses may be those of another network.',
    },
    {
      clause: 'REQ-8',
      level: 'SHOULD',
      text: 'Anybody outside may send to a mapping, unless a stricter filter is wanted.',
      test: 'rfc4787_req_8',
    },
    { clause: 'REQ-9', level: 'MUST', text: 'Hosts inside reach one another by their endpoints outside.', test: 'rfc4787_req_9' },
    { clause: 'REQ-9 a', level: 'MUST', text: 'They then see one another’s endpoint outside.', test: 'rfc4787_req_9a' },
    { clause: 'REQ-10', level: 'SHOULD', text: 'Application layer gateways are off.', why: 'There are none.' },
    {
      clause: 'REQ-11',
      level: 'MUST',
      text: 'Conflicts, load and time change neither how endpoints are mapped nor who may send to them.',
      test: 'rfc4787_req_11',
    },
    { clause: 'REQ-12', level: 'MUST', text: 'No ICMP message ends a mapping.', test: 'rfc4787_req_12' },
    { clause: 'REQ-12 a', level: 'SHOULD', text: 'ICMP messages pass whoever sent them.', test: 'rfc4787_req_12' },
    { clause: 'REQ-12 b', level: 'SHOULD', text: 'Destination unreachable is translated.', test: 'rfc5508_req_4a' },
    { clause: 'REQ-13', level: 'MUST', text: 'A packet with DF that is too long is answered with the MTU.', test: 'rfc4787_req_13' },
    { clause: 'REQ-13 a', level: 'MUST', text: 'One without DF leaves in fragments, in order.', test: 'rfc4787_req_13a' },
    { clause: 'REQ-14', level: 'MUST', text: 'Fragments are translated in whatever order they come.', test: 'rfc4787_req_14' },
    {
      clause: 'REQ-14 a',
      level: 'MUST',
      text: 'A flood of fragments that nothing belongs to does not stop other packets, whole ones or fragments in order.',
      test: 'rfc4787_req_14a',
    },
  ],
};

const tcp: Document = {
  rfc: 5382,
  title: 'NAT Behavioral Requirements for TCP',
  requirements: [
    { clause: 'REQ-1', level: 'MUST', text: 'An endpoint inside has one endpoint outside, whoever it speaks with.', test: 'rfc5382_req_1' },
    {
      clause: 'REQ-2',
      level: 'MUST',
      text: 'Every valid sequence of packets passes, from whichever side the connection was begun.',
      test: 'rfc5382_req_2',
    },
    { clause: 'REQ-2 a', level: 'MUST', text: 'Also when both sides begin at once.', test: 'rfc5382_req_2a' },
    {
      clause: 'REQ-3',
      level: 'SHOULD',
      text: 'Anybody outside may send to a mapping, unless a stricter filter is wanted.',
      test: 'rfc5382_req_3',
    },
    {
      clause: 'REQ-4',
      level: 'MUST',
      text: 'A SYN that nobody waits for is not answered within 6 seconds, and is dropped when a SYN of that connection leaves meanwhile.',
      test: 'rfc5382_req_4',
    },
    {
      clause: 'REQ-4 a',
      level: 'MUST',
      text: 'It is dropped without a word where an answer would be against the security policy.',
      test: 'rfc5382_req_4',
      why: 'Always so: nobody outside is told which ports are free.',
    },
    {
      clause: 'REQ-5',
      level: 'MUST',
      text: 'Idle connections are known for 2 hours and 4 minutes, those that begin or end for 4 minutes at least.',
      test: 'rfc5382_req_5',
      why: 'The defaults; an operator may set `flows` lower.',
    },
    { clause: 'REQ-6', level: 'SHOULD', text: 'Application layer gateways are off.', why: 'There are none, of FTP neither.' },
    {
      clause: 'REQ-7',
      level: 'MUST',
      text: 'No two endpoints inside share an endpoint outside.',
      test: 'rfc5382_req_7',
      why: 'With `tcpPortReuse`, connections to different remotes may share one when a port has used up its blocks (RFC 7857 §3).',
    },
    { clause: 'REQ-8', level: 'MUST', text: 'Hosts inside reach one another by their endpoints outside.', test: 'rfc5382_req_8' },
    { clause: 'REQ-8 a', level: 'MUST', text: 'They then see one another’s endpoint outside.', test: 'rfc5382_req_8a' },
    { clause: 'REQ-9', level: 'SHOULD', text: 'Destination unreachable is translated.', test: 'rfc5382_req_9' },
    { clause: 'REQ-10', level: 'MUST', text: 'No ICMP message ends a mapping or a connection.', test: 'rfc5382_req_10' },
  ],
};

const icmp: Document = {
  rfc: 5508,
  title: 'NAT Behavioral Requirements for ICMP',
  requirements: [
    { clause: 'REQ-1', level: 'MUST', text: 'Queries from inside pass, and so do their answers.', test: 'rfc5508_req_1' },
    {
      clause: 'REQ-1 a',
      level: 'SHOULD',
      text: 'An identifier inside has one identifier outside, whoever is asked.',
      test: 'rfc5508_req_1a',
    },
    { clause: 'REQ-2', level: 'MUST', text: 'A query is known for 60 seconds at least.', test: 'rfc5508_req_2' },
    {
      clause: 'REQ-3',
      level: 'SHOULD',
      text: 'Errors with a wrong checksum, or that quote a header with one, are dropped.',
      why: 'Differs: checksums are changed by difference, so that a wrong one stays wrong and the receiver drops the message. To sum up each message would cost what the packet is long.',
    },
    { clause: 'REQ-3 b', level: 'MUST', text: 'Options of the quoted packet are skipped.', test: 'rfc5508_req_3b' },
    {
      clause: 'REQ-3 d',
      level: 'MUST',
      text: 'Padding and extensions (RFC 4884) behind the quoted packet are no part of it.',
      test: 'rfc5508_req_3d',
    },
    { clause: 'REQ-4', level: 'SHOULD', text: 'Errors from outside about what did not leave are dropped silently.', test: 'rfc5508_req_4' },
    {
      clause: 'REQ-4 a',
      level: 'MUST',
      text: 'Else the quoted packet gets the addresses and ports back that it was sent with.',
      test: 'rfc5508_req_4a',
    },
    { clause: 'REQ-4 b', level: 'MUST', text: 'Type and code stay.', test: 'rfc5508_req_4b' },
    { clause: 'REQ-4 c', level: 'MUST', text: 'It goes to the source of the quoted packet.', test: 'rfc5508_req_4c' },
    { clause: 'REQ-5', level: 'SHOULD', text: 'Errors from inside about what did not come are dropped silently.', test: 'rfc5508_req_5' },
    {
      clause: 'REQ-5 a',
      level: 'MUST',
      text: 'Else the quoted packet gets the addresses and ports back that it came with.',
      test: 'rfc5508_req_5a',
    },
    { clause: 'REQ-5 b', level: 'MUST', text: 'Type and code stay.', test: 'rfc5508_req_5b' },
    {
      clause: 'REQ-5 c',
      level: 'MUST',
      text: 'Its source becomes the floating address of who sent it, or else the outside address of the flow.',
      test: 'rfc5508_req_5c',
    },
    { clause: 'REQ-6', level: 'MUST', text: 'An error about a query neither ends it nor keeps it alive.', test: 'rfc5508_req_6' },
    {
      clause: 'REQ-7',
      level: 'MUST',
      text: 'Hosts inside reach one another with queries by floating addresses, with errors by any.',
      test: 'rfc5508_req_7',
    },
    { clause: 'REQ-7 a', level: 'MUST', text: 'The target of such an error is the source of what it quotes.', test: 'rfc5508_req_7a' },
    {
      clause: 'REQ-8',
      level: 'SHOULD',
      text: 'Who cannot get a mapping is told so (administratively prohibited).',
      test: 'rfc6888_req_11a',
      why: 'Differs: host unreachable, as RFC 6888 REQ-11 b has it since.',
    },
    {
      clause: 'REQ-10 a',
      level: 'MUST',
      text: 'It sends destination unreachable and time exceeded, and answers ping, itself.',
      test: 'rfc5508_req_10a',
    },
  ],
};

const cgn: Document = {
  rfc: 6888,
  title: 'Common Requirements for Carrier-Grade NATs',
  requirements: [
    {
      clause: 'REQ-1',
      level: 'MUST',
      text: 'What passes is translated as the RFC of its protocol says.',
      test: 'rfc6888_req_1',
      why: 'TCP, UDP and ICMP queries share addresses; other protocols pass one to one, by a floating address.',
    },
    { clause: 'REQ-2', level: 'MUST', text: 'By default all endpoints of a subscriber have one address.', test: 'rfc6888_req_2' },
    { clause: 'REQ-3', level: 'MUST', text: 'Addresses of a pool need not be contiguous.', test: 'rfc6888_req_3' },
    { clause: 'REQ-4', level: 'MUST', text: 'A subscriber has a limited number of outside ports.', test: 'rfc6888_req_4' },
    { clause: 'REQ-4 a', level: 'MUST', text: 'The limit can be set.', test: 'rfc6888_req_4a' },
    {
      clause: 'REQ-4 b',
      level: 'SHOULD',
      text: 'Independently for each protocol.',
      why: 'Differs: a block of ports serves TCP, UDP and ICMP, each up to its size.',
    },
    {
      clause: 'REQ-5',
      level: 'SHOULD',
      text: 'The memory that a subscriber may take is limited.',
      why: 'It is: `flows.portPercent` limits flows, `maxBlocksPerPort` mappings; flow_life_test.c shows the first.',
    },
    {
      clause: 'REQ-6',
      level: 'MUST',
      text: 'Translation can be turned off for some destinations.',
      test: 'rfc6888_req_6',
      why: 'By a route: what another next hop takes is not translated. A whole network: `underlay`.',
    },
    { clause: 'REQ-7', level: 'SHOULD', text: 'Anybody outside may send to a mapping.', test: 'rfc6888_req_7' },
    {
      clause: 'REQ-8',
      level: 'SHOULD',
      text: 'An outside port that is free again is not given to another for 120 seconds.',
      test: 'rfc6888_req_8',
    },
    {
      clause: 'REQ-8 (last sentence)',
      level: 'MUST',
      text: 'That time can be set, and how many ports may be in that state.',
      test: 'rfc6888_req_8',
      why: 'The time is `nat.reuseWait`; the number is what blocks of a port hold, `maxBlocksPerPort`.',
    },
    {
      clause: 'REQ-9',
      level: 'MUST',
      text: 'Subscribers control mappings by a protocol, best PCP.',
      why: 'Differs: subscribers are projects, who ask for a FloatingIp by the API, for all ports of an address. There is no PCP server.',
    },
    {
      clause: 'REQ-10',
      level: 'SHOULD',
      text: 'It can be managed.',
      why: 'By the API, `weft nat` and metrics; no MIB.',
    },
    { clause: 'REQ-11 a', level: 'MUST', text: 'A packet that no mapping can be made for is dropped.', test: 'rfc6888_req_11a' },
    { clause: 'REQ-11 b', level: 'SHOULD', text: 'Its sender is told: host unreachable.', test: 'rfc6888_req_11a' },
    {
      clause: 'REQ-11 c',
      level: 'SHOULD',
      text: 'The operator is told.',
      test: 'rfc6888_req_11a',
      why: 'plugins/snat makes an alarm of the event.',
    },
    { clause: 'REQ-11 d', level: 'MUST', text: 'No mapping goes to make room for another.', test: 'rfc6888_req_11d' },
    { clause: 'REQ-12', level: 'SHOULD', text: 'Destinations are not logged.', test: 'rfc6888_req_12' },
    { clause: 'REQ-13', level: 'SHOULD', text: 'Ports are used well.', why: 'A block without mappings goes back; its size can be set.' },
    { clause: 'REQ-14', level: 'SHOULD', text: 'The log stays small.', test: 'rfc6888_req_12' },
    { clause: 'REQ-15', level: 'SHOULD', text: 'Ports are hard to guess.', test: 'rfc7857_sec_9' },
  ],
};

const updates: Document = {
  rfc: 7857,
  title: 'Updates to NAT Behavioral Requirements',
  requirements: [
    {
      clause: '§2.1',
      level: 'SHOULD',
      text: 'Connections that begin and those that end have time-outs of their own, of 4 minutes.',
      why: 'Differs: one setting for both, 4 minutes by default (rfc5382_req_5).',
    },
    { clause: '§2.2', level: 'MUST', text: 'A reset is translated.', test: 'rfc7857_sec_2_2' },
    { clause: '§2.2', level: 'SHOULD', text: 'The mapping stays for 4 minutes behind it.', test: 'rfc7857_sec_2_2' },
    {
      clause: '§4',
      level: 'SHOULD',
      text: 'While the address of a subscriber has no port left, it gets none of another one.',
      test: 'rfc7857_sec_4',
    },
    { clause: '§5', level: 'MUST', text: 'By default TCP and UDP of an endpoint are mapped apart.', test: 'rfc7857_sec_5' },
    { clause: '§6', level: 'MUST', text: 'By default they are filtered apart.', test: 'rfc7857_sec_6' },
    {
      clause: '§7.1',
      level: 'SHOULD',
      text: 'Errors and resets in answer to what came from outside do not keep a mapping alive.',
      test: 'rfc5508_req_6',
      why: 'Errors do not; a reset ends a connection by the shorter time-out.',
    },
    { clause: '§8', level: 'SHOULD', text: 'Parity can be asked for explicitly.', why: 'Differs: there is no PCP server.' },
    { clause: '§9', level: 'SHOULD', text: 'Outside ports are chosen at random.', test: 'rfc7857_sec_9' },
    {
      clause: '§10',
      level: 'SHOULD',
      text: 'The identification of IPv4 packets is handled as RFC 6864 says.',
      why: 'Differs: it stays as the sender chose it; two senders behind one address may use the same at once.',
    },
    {
      clause: '§12',
      level: 'MUST',
      text: 'Hosts that share an address reach others inside with queries by addresses outside.',
      test: 'rfc7857_sec_12',
    },
  ],
};

export const documents: readonly Document[] = [udp, tcp, icmp, cgn, updates];

/** Names of the tests in the text of C files. */
export function testsIn(sources: readonly string[]): ReadonlySet<string> {
  return new Set(sources.flatMap((source) => [...source.matchAll(/^TEST\((rfc\w+)\)/gm)].map(([, name = '']) => name)));
}

/** One sentence for each requirement without test and reason, each test that does not exist, and each test that nothing names. */
export function requirementFaults(listed: readonly Document[], tests: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  const named = new Set<string>();
  for (const { rfc, requirements } of listed)
    for (const { clause, test, why } of requirements) {
      if (test === undefined && why === undefined) faults.push(`RFC ${rfc} ${clause} has neither a test nor a reason why not`);
      if (test !== undefined && !tests.has(test))
        faults.push(`RFC ${rfc} ${clause} names the test ${test}, which is in no forwarder/test/nat_rfc_*_test.c`);
      if (test !== undefined) named.add(test);
    }
  for (const test of tests)
    if (!named.has(test)) faults.push(`the test ${test} stands for no requirement in forwarder/tools/nat-requirements.ts`);
  return faults;
}

/** docs/reference/nat-requirements.md. sources: the nat_rfc_*_test.c. Throws naming every fault. */
export function requirementsPage(sources: readonly string[]): string {
  const faults = requirementFaults(documents, testsIn(sources));
  if (faults.length > 0) throw new Error(faults.join('; '));
  const sections = documents.map(({ rfc, title, requirements }) => {
    const rows = requirements.map(
      ({ clause, level, text, test, why }) =>
        `| ${clause} | ${level} | ${text} | ${[test && `\`${test}\``, why].filter(Boolean).join('. ')} |`,
    );
    return [`## RFC ${rfc}: ${title}`, '', '| clause | level | what | test, or why not |', '| --- | --- | --- | --- |', ...rows, ''].join(
      '\n',
    );
  });
  return [
    '<!-- Generated by forwarder/tools/gen.ts from forwarder/tools/nat-requirements.ts: do not edit. -->',
    '',
    '# What RFCs demand of address translation',
    '',
    'Each MUST (and MUST NOT) has a packet test of its name in `forwarder/test/nat_rfc_*_test.c`, or a line that says why not; of each SHOULD is said where we differ. What is optional is left out.',
    'The settings are those of [snat](../../plugins/snat/README.md) and of the forwarder.',
    '',
    ...sections,
  ].join('\n');
}
