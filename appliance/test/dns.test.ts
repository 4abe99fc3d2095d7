/**
 * Names as VMs ask for them, with dig and over real TCP: two tenants with the same addresses and the same domain, both families, both transports,
 * and all that RFC 8906 §8 would have answered.
 */
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { Appliance } from '../run/appliance.ts';
import { Vms } from '../run/vms.ts';

interface Context {
  readonly appliance: Appliance;
  readonly vms: Vms;
}

const test = anyTest as TestFn<Context>;

const servers = { IPv4: '10.1.0.1', IPv6: '2001:db8:1::1' };
const tenants = ['acme', 'globex'] as const;
const host = { acme: 11, globex: 21 };

function tenant(project: (typeof tenants)[number], netns: string): object[] {
  const of = (kind: string, name: string, spec: object) => ({ kind, metadata: { name, project }, spec });
  const addresses = [`10.1.0.${host[project]}`, `2001:db8:1::${host[project]}`];
  return [
    { kind: 'Project', metadata: { name: project } },
    of('VirtualNetwork', 'red', { subnets: [{ cidr: '10.1.0.0/24' }, { cidr: '2001:db8:1::/64' }], domain: 'red.example' }),
    of('Port', project, { network: 'red', hostname: 'web1', addresses, binding: { type: 'netns', netns, interface: 'eth0' } }),
  ];
}

const record = (name: string, owner: string, type: string, ...data: string[]) => ({
  kind: 'DnsRecord',
  metadata: { name, project: 'acme' },
  spec: { network: 'red', name: owner, type, data },
});

const records = [
  record('www', 'www', 'CNAME', 'web1'),
  record('mail', '@', 'MX', '10 web1'),
  record('sip', '_sip._tcp', 'SRV', '0 5 5060 web1'),
  record('apps', '*.apps', 'A', '10.1.0.50'),
  record('printer', '10.1.0.77', 'PTR', 'printer'),
  record('medium', 'medium', 'TXT', 'm'.repeat(700)),
  record('big', 'big', 'TXT', ...Array.from({ length: 15 }, (_, index) => `${index}-${'x'.repeat(3990)}`)),
];

test.before(async (t) => {
  t.timeout(120_000);
  // The upstream is nobody: what goes there comes back as SERVFAIL.
  const settings = { plugins: { dns: { upstreams: ['192.0.2.1'], timeoutMs: 100, rounds: 1 } } };
  const [appliance, vms] = [new Appliance({ settings: JSON.stringify(settings) }), new Vms('dns')];
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  for (const project of tenants) {
    const { netns } = await vms.add(project);
    await appliance.apply(tenant(project, netns));
    await appliance.must(['--project', project, 'wait', 'Port', project, '--for=ready', '--timeout=20s']);
    await vms.configure(project, `10.1.0.${host[project]}`, servers.IPv4);
    await vms.exec(project, ['ip', '-6', 'address', 'add', `2001:db8:1::${host[project]}/64`, 'dev', 'eth0', 'nodad']);
  }
  await appliance.apply(records);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

async function dig({ context }: ExecutionContext<Context>, vm: string, server: string, args: string): Promise<string> {
  const { stdout, stderr } = await context.vms.exec(vm, ['dig', '+tries=1', '+time=4', `@${server}`, ...args.split(' ')]);
  return stdout + stderr;
}

const web = (of: keyof typeof host) => `10.1.0.${host[of]}`;
// What each is told, in the words of dig +short.
const short: readonly [question: string, acme: string, globex: string][] = [
  ['web1 A', web('acme'), web('globex')],
  ['web1.red.example AAAA', '2001:db8:1::11', '2001:db8:1::21'],
  [`-x ${web('acme')}`, 'web1.red.example.', ''],
  ['-x 2001:db8:1::21', '', 'web1.red.example.'],
  ['www.red.example A', `web1.red.example.\n${web('acme')}`, ''],
  ['red.example MX', '10 web1.red.example.', ''],
  ['_sip._tcp.red.example SRV', '0 5 5060 web1.red.example.', ''],
  ['x.y.apps.red.example A', '10.1.0.50', ''],
  ['-x 10.1.0.77', 'printer.red.example.', ''],
  ['red.example A', '10.1.0.1', '10.1.0.1'],
];

for (const [family, server] of Object.entries(servers)) {
  for (const transport of ['+notcp', '+tcp']) {
    test.serial(`each tenant hears its own names and records over ${family}, ${transport}`, async (t) => {
      for (const [question, ...expected] of short) {
        for (const [index, vm] of tenants.entries()) {
          t.is((await dig(t, vm, server, `${transport} +short ${question}`)).trim(), expected[index] ?? '', `${vm}: ${question}`);
        }
      }
    });
  }
}

// RFC 8906 §8 as dig puts it. `says`: all must be in what dig prints; `!`: must not.
const matrix: readonly [args: string, ...says: string[]][] = [
  ['+noedns +noad +norec red.example SOA', 'status: NOERROR', 'SOA', 'flags: qr aa', '!EDNS'],
  ['+noedns +noad +norec red.example TYPE1000', 'status: NOERROR', 'ANSWER: 0, AUTHORITY: 1', '!WARNING'],
  ['+noedns +noad +norec +cdflag red.example SOA', 'status: NOERROR', 'ANSWER: 1'],
  ['+noedns +norec +adflag red.example SOA', 'status: NOERROR', '!flags: qr aa ra ad'],
  ['+noedns +noad +norec +zflag red.example SOA', 'status: NOERROR', '!MBZ'],
  ['+noedns +noad +rdflag red.example SOA', 'status: NOERROR', 'flags: qr aa rd'],
  ['+noedns +noad +norec +opcode=15 +header-only', 'status: NOTIMP', 'opcode: RESERVED15'],
  ['+noedns +noad +norec +opcode=15 red.example SOA', 'status: NOTIMP'],
  ['+nocookie +edns=0 +noad +norec red.example SOA', 'status: NOERROR', 'EDNS: version: 0, flags:; udp: 1232'],
  ['+nocookie +edns=1 +noednsneg +noad +norec red.example SOA', 'status: BADVERS', 'EDNS: version: 0', 'ANSWER: 0'],
  ['+nocookie +edns=1 +ednsneg +noad +norec red.example SOA', 'status: NOERROR', 'ANSWER: 1'],
  ['+nocookie +edns=100 +noednsneg +noad +norec red.example SOA', 'status: BADVERS', 'EDNS: version: 0'],
  ['+nocookie +ednsopt=100 +noad +norec red.example SOA', 'status: NOERROR', 'ANSWER: 1', '!OPT=100'],
  ['+nocookie +edns=1 +noednsneg +ednsopt=100 +noad +norec red.example SOA', 'status: BADVERS', '!OPT=100'],
  ['+nocookie +ednsflags=0x80 +noad +norec red.example SOA', 'status: NOERROR', 'ANSWER: 1', '!MBZ'],
  ['+nocookie +edns=1 +noednsneg +ednsflags=0x80 +noad +norec red.example SOA', 'status: BADVERS', '!MBZ'],
  ['+nocookie +dnssec +noad +norec red.example SOA', 'status: NOERROR', 'flags: do; udp: 1232'],
  ['+nocookie +edns=1 +noednsneg +dnssec +noad +norec red.example SOA', 'status: BADVERS', 'flags: do'],
  ['+cookie +nsid +expire +subnet=192.0.2.0/24 +noad +norec red.example SOA', 'status: NOERROR', 'ANSWER: 1', '!NSID'],
  ['+cookie=0102030405060708 red.example SOA', 'status: NOERROR', 'ANSWER: 1'],
  ['+nocookie +bufsize=0 red.example SOA', 'status: NOERROR'],
  ['+nocookie +bufsize=4096 medium.red.example TXT', 'status: NOERROR', 'ANSWER: 1', '!Truncated'],
  ['red.example ANY', 'status: NOERROR', 'SOA', 'NS'],
  ['red.example AXFR', 'Transfer failed.'],
  ['-c CH version.bind TXT', 'status: REFUSED'],
  ['+norec www.example.org', 'status: REFUSED'],
  ['www.example.org', 'status: SERVFAIL'],
  ['nothing.red.example', 'status: NXDOMAIN', 'AUTHORITY: 1'],
  ['WeB1.rEd.ExAmPlE', 'status: NOERROR', 'WeB1.rEd.ExAmPlE.'],
];

for (const [family, server] of Object.entries(servers)) {
  for (const transport of ['+notcp', '+tcp']) {
    test.serial(`answers what RFC 8906 asks over ${family}, ${transport}`, async (t) => {
      for (const [args, ...says] of matrix) {
        const told = await dig(t, 'acme', server, `${transport} ${args}`);
        for (const text of says) t.is(told.includes(text.replace('!', '')), !text.startsWith('!'), `${args}: ${text}\n${told}`);
      }
    });
  }
}

for (const [family, server] of Object.entries(servers)) {
  test.serial(`what is cut short over UDP comes whole by TCP, over ${family}`, async (t) => {
    for (const size of [0, 511, 512]) {
      const cut = await dig(t, 'acme', server, `+nocookie +ignore +bufsize=${size} medium.red.example TXT`);
      t.regex(cut, /flags: qr aa tc.*ANSWER: 0/, cut);
    }
    t.regex(await dig(t, 'acme', server, '+bufsize=512 medium.red.example TXT'), /Truncated, retrying in TCP mode.*ANSWER: 1/s);
    const big = await dig(t, 'acme', server, 'big.red.example TXT');
    t.regex(big, /Truncated, retrying in TCP mode.*ANSWER: 15.*MSG SIZE {2}rcvd: 60\d\d\d/s);
  });
}

/** Sends a hundred questions on one connection in parts of so many bytes, closes its half, and counts the right answers. */
const pipeline = String.raw`
import socket, struct, sys
server, step = sys.argv[1], int(sys.argv[2])
question = b'\x04web1\x03red\x07example\x00' + struct.pack('>HH', 1, 1)
line = socket.create_connection((server, 53), 10)
line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
asked = b''
for number in range(100):
    query = struct.pack('>HHHHHH', number, 0x100, 1, 0, 0, 0) + question
    asked += struct.pack('>H', len(query)) + query
for at in range(0, len(asked), step):
    line.sendall(asked[at:at + step])
line.shutdown(socket.SHUT_WR)
heard = b''
while True:
    part = line.recv(65536)
    if not part: break
    heard += part
numbers = set()
while heard:
    length, = struct.unpack('>H', heard[:2])
    reply, heard = heard[2:2 + length], heard[2 + length:]
    if reply.endswith(socket.inet_aton(sys.argv[3])): numbers.add(struct.unpack('>H', reply[:2])[0])
print(len(numbers))
`;

for (const [family, server] of Object.entries(servers)) {
  for (const step of [1, 4096]) {
    test.serial(`100 questions on one connection, ${step} bytes at a time, over ${family}`, async (t) => {
      for (const vm of tenants) {
        const { stdout, stderr } = await t.context.vms.exec(vm, ['python3', '-c', pipeline, server, `${step}`, web(vm)]);
        t.is(stdout.trim(), '100', stderr);
      }
    });
  }
}
