/** How the VMs get their addresses: by the DHCP clients in use, by what the kernel makes of router advertisements, or by hand. */
import { until } from '../run/appliance.ts';
import { type Check, type Exec, expect } from './check.ts';

/** What a VM must have in the end. */
interface Wanted {
  readonly vm: string;
  readonly addresses: readonly string[];
}

const settleMs = 15_000;

/** Addresses that may be used, as `address/length`. */
async function addressesOf(exec: Exec, vm: string): Promise<readonly string[]> {
  const { stdout } = await exec(vm, ['ip', '-o', 'address', 'show', 'dev', 'eth0', 'scope', 'global']);
  const usable = stdout.split('\n').filter((line) => !/tentative|dadfailed/.test(line));
  return usable.flatMap((line) => / inet6? (\S+)/.exec(line)?.[1] ?? []);
}

/** IPv4 with the subnet's length; over IPv6 a client knows its address, and the prefix only if an advertisement says it is on the link. */
const matches = (has: string, wanted: string) => (wanted.includes(':') ? has.startsWith(`${wanted}/`) : has === `${wanted}/24`);

function addressing(exec: Exec, { vm, addresses }: Wanted, by: string, command: readonly string[]): Check {
  return {
    name: `${vm}: ${by}`,
    run: async () => {
      const result = await exec(vm, command, 30_000);
      expect(result.code === 0, result);
      let has: readonly string[] = [];
      const settled = await until(async () => {
        has = await addressesOf(exec, vm);
        return addresses.every((wanted) => has.some((each) => matches(each, wanted)));
      }, settleMs);
      expect(settled === true, `got ${has.join(', ') || 'no address'}, wanted ${addresses.join(', ')}`);
      return has.join(', ');
    },
  };
}

/** The first hop, which only router advertisements tell. */
function firstHop(exec: Exec, vm: string): Check {
  return {
    name: `${vm}: default route by router advertisement`,
    run: async () => {
      const route = await until(async () => {
        const { stdout } = await exec(vm, ['ip', '-6', 'route', 'show', 'default']);
        return /default via (fe80:\S+) .*proto ra/.exec(stdout)?.[1];
      }, settleMs);
      expect(route !== undefined, 'there is none');
      return route;
    },
  };
}

const networkFile = `[Match]
Name=eth0
[Network]
DHCP=yes
[DHCPv4]
UseDomains=yes
[DHCPv6]
UseDomains=yes`;

/** networkd as in any machine. Its state files are what `networkctl` shows; with /sys read only it does not wait for udev. */
const networkd = `set -e
mkdir -p /run/systemd/network
echo '${networkFile}' >/run/systemd/network/10-eth0.network
mount -o remount,bind,ro /sys
/lib/systemd/systemd-networkd </dev/null >/run/networkd.log 2>&1 &`;

/** Resolver and domain of both families, as networkd passes them on. */
function networkdKnows(exec: Exec, vm: string, wanted: Readonly<Record<string, readonly string[]>>): Check {
  return {
    name: `${vm}: resolvers and domain in systemd-networkd`,
    run: async () => {
      const { stdout } = await exec(vm, ['sh', '-c', 'cat /run/systemd/netif/links/*']);
      for (const [field, values] of Object.entries(wanted)) {
        const has = new RegExp(`^${field}=(.+)$`, 'm').exec(stdout)?.[1]?.split(' ') ?? [];
        expect(
          values.every((value) => has.includes(value)),
          `${field} is "${has.join(' ')}", wanted ${values.join(' ')}`,
        );
      }
      return Object.values(wanted).flat().join(', ');
    },
  };
}

/** What a VM does where no DHCP server is: its operator sets the addresses. */
function byHand(exec: Exec, { vm, addresses }: Wanted): Check {
  const commands = addresses.map((address) => {
    const gateway = address.replace(/\d+$/, '1');
    const [family, length] = address.includes(':') ? ['-6', 64] : ['-4', 24];
    return `ip address replace ${address}/${length} dev eth0 && ip ${family} route replace default via ${gateway}`;
  });
  return addressing(exec, { vm, addresses }, 'addresses set by hand', ['sh', '-c', commands.join(' && ')]);
}

const dhclient = ['dhclient', '-1', '-v', '-pf', '/run/dhclient.pid', 'eth0'];
/** dhclient begins only with a link-local address that nobody else has; ifupdown waits in the same way. */
const dhclient6 = [
  'sh',
  '-c',
  `until ip -6 address show dev eth0 scope link -tentative | grep -q inet6; do sleep 0.1; done
exec dhclient -6 -1 -v -pf /run/dhclient6.pid -lf /run/dhclient6.leases eth0`,
];
const udhcpc = ['udhcpc', '-i', 'eth0', '-q', '-n', '-t', '5'];
// --noarp: the client would listen five seconds for somebody else with its address.
const dhcpcd = ['dhcpcd', '-1', '--noarp', '--waitip=46', '-t', '25', 'eth0'];
/** The kernel asks for an advertisement when its link comes up. */
const autoconf = ['sh', '-c', 'sysctl -qw net.ipv6.conf.eth0.accept_ra=1 && ip link set eth0 down && ip link set eth0 up'];

/** All VMs; `clients`: by DHCP and router advertisements. */
export function addresses(exec: Exec, clients: boolean): Check[] {
  const both = (host: number) => [`10.1.0.${host}`, `2001:db8:1::${host}`];
  const [bench, six] = [['10.2.0.11'], ['2001:db8:6::11']];
  // Made of the prefix and the interface's MAC address (RFC 4291 §2.5.1).
  const auto = ['2001:db8:6::ff:fe00:66'];
  if (!clients)
    return [
      ...['acme-web', 'globex-web'].map((vm) => byHand(exec, { vm, addresses: both(11) })),
      ...['acme-db', 'globex-db'].map((vm) => byHand(exec, { vm, addresses: both(12) })),
      byHand(exec, { vm: 'acme-mail', addresses: both(13) }),
      byHand(exec, { vm: 'acme-lab', addresses: bench }),
      byHand(exec, { vm: 'globex-six', addresses: six }),
    ];
  const ipv4 = (host: number) => both(host).slice(0, 1);
  return [
    addressing(exec, { vm: 'acme-web', addresses: ipv4(11) }, 'IPv4 by dhclient', dhclient),
    addressing(exec, { vm: 'acme-web', addresses: both(11) }, 'and IPv6 by dhclient -6', dhclient6),
    firstHop(exec, 'acme-web'),
    addressing(exec, { vm: 'acme-db', addresses: ipv4(12) }, 'IPv4 by udhcpc', udhcpc),
    addressing(exec, { vm: 'acme-mail', addresses: both(13) }, 'both families by systemd-networkd', ['sh', '-c', networkd]),
    networkdKnows(exec, 'acme-mail', { DNS: ['10.1.0.1', '2001:db8:1::1'], DOMAINS: ['acme.example'] }),
    addressing(exec, { vm: 'acme-lab', addresses: bench }, 'IPv4 only, by dhclient', dhclient),
    addressing(exec, { vm: 'globex-web', addresses: both(11) }, 'both families by dhcpcd', dhcpcd),
    addressing(exec, { vm: 'globex-db', addresses: ipv4(12) }, 'IPv4 by udhcpc', udhcpc),
    addressing(exec, { vm: 'globex-six', addresses: six }, 'IPv6 only, by dhclient -6', dhclient6),
    firstHop(exec, 'globex-six'),
    addressing(exec, { vm: 'globex-auto', addresses: auto }, 'IPv6 only, by the kernel (SLAAC)', autoconf),
    firstHop(exec, 'globex-auto'),
  ];
}
