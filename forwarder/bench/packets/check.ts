/** Whether a contestant did what it was asked to: figures of one that only moved frames from port to port would mean nothing. */
import { cidrContains, parseIp } from '@weft/kernel/contract/net';
import { type Frame, readFrame } from './frame.ts';
import { plan, type Scenario } from './scenario.ts';

/** The load sends with it (RFC 1700's default). */
const hopLimit = 64;
const arpReply = 2;
const neighborAdvertisement = 136;
const vxlanPort = 4789;

/** What is looked at, what must stand there (a text or number, or a judgement), what stands there. */
type Expectation = readonly [what: string, expected: string | number | ((found: string | number | undefined) => boolean), found: unknown];

/**
 * One sentence that says what is wrong with the first frames that a contestant sent; undefined: nothing. `turned`: what it sends through port 1 is
 * turned round there and must come back through port 0, too.
 */
export function checkFrames(scenario: Scenario, turned: boolean, frames: readonly Buffer[]): string | undefined {
  const isBack = (bytes: Buffer) => turned && readFrame(bytes)?.dstMac === plan.client.mac;
  const forth = frames.filter((bytes) => !isBack(bytes));
  const back = frames.filter(isBack);
  if (forth.length === 0) return 'no frame went its way';
  if (turned && back.length === 0) return 'no frame came back to the client';
  const judged = [...forth.map((bytes) => checkFrame(scenario, bytes)), ...back.map((bytes) => judge(bytes, returned))];
  return judged.find((wrong) => wrong !== undefined);
}

/** The same for one frame on its way. */
export function checkFrame(scenario: Scenario, bytes: Buffer): string | undefined {
  return judge(bytes, (frame) => expectations(scenario, frame));
}

function judge(bytes: Buffer, expect: (frame: Frame) => Expectation[]): string | undefined {
  const frame = readFrame(bytes);
  if (frame === undefined) return `a frame of ${bytes.length} bytes is cut short: ${bytes.toString('hex')}`;
  for (const [what, expected, found] of expect(frame)) {
    const fine = typeof expected === 'function' ? expected(found as string | number | undefined) : expected === found;
    if (fine) continue;
    const wanted = typeof expected === 'function' ? '' : `, expected ${String(expected)}`;
    return `${what} is ${String(found)}${wanted}: ${bytes.toString('hex')}`;
  }
  return undefined;
}

/** Back at the client: routed, out of its tunnel, with the address that it has behind NAT. */
function returned(frame: Frame): Expectation[] {
  return [
    ['the hop limit of a frame that came back', (limit) => Number(limit) < hopLimit, frame.hopLimit],
    ['the source MAC address of a frame that came back', plan.gateway.mac, frame.srcMac],
    ['the destination address of a frame that came back', plan.client.address, frame.dst],
    ['the source address of a frame that came back', (address) => behindRoutes(String(address)), frame.src],
  ];
}

function expectations(scenario: Scenario, frame: Frame): Expectation[] {
  switch (scenario.kind) {
    case 'limit':
      return limit(scenario.mode, frame);
    case 'l2':
      return bridged(frame);
    case 'arp':
      return answered(frame, arpReply, plan.gateway.addresses[0]);
    case 'nd':
      return answered(frame, neighborAdvertisement, plan.gateway.addresses6[0]);
    case 'vlan':
      return [['the VLAN', plan.vlans[1], frame.vlan], ...routed(frame)];
    case 'l3':
      return [['the IP version', scenario.family, frame.family], ...routed(frame)];
    case 'snat':
    case 'guarded-snat':
      return [...routed(frame), ['the source address', inSnatRange, frame.src]];
    case 'fip':
      return [...routed(frame), ['the source address', plan.snat.first, frame.src]];
    case 'vxlan':
    case 'vrouter':
      return encapsulated(frame);
    default:
      return routed(frame);
  }
}

function limit(mode: 'io' | 'macswap' | '5tswap', frame: Frame): Expectation[] {
  const [from, to] = mode === 'io' ? [plan.client.mac, plan.gateway.mac] : [plan.gateway.mac, plan.client.mac];
  const turned: Expectation[] = mode === '5tswap' ? [['the destination address', plan.client.address, frame.dst]] : [];
  return [['the source MAC address', from, frame.srcMac], ['the destination MAC address', to, frame.dstMac], ...turned];
}

function bridged(frame: Frame): Expectation[] {
  return [
    ['the destination MAC address', (mac) => String(mac).startsWith('06:00:'), frame.dstMac],
    ['the source MAC address', plan.client.mac, frame.srcMac],
    ['the hop limit', hopLimit, frame.hopLimit],
  ];
}

function routed(frame: Frame): Expectation[] {
  return [
    ['the hop limit', hopLimit - 1, frame.hopLimit],
    ['the destination MAC address', plan.server.mac, frame.dstMac],
    ['the source MAC address', plan.gateway.mac, frame.srcMac],
    ['the destination address', (address) => behindRoutes(String(address)), frame.dst],
    ['the validity of the IPv4 checksum', frame.family === 4 ? 'true' : 'undefined', String(frame.checksumHolds)],
  ];
}

function answered(frame: Frame, operation: number, address: string): Expectation[] {
  return [
    ['the operation', operation, frame.operation],
    ['the address that is answered for', address, frame.speaksOf?.address],
    ['the answered MAC address', plan.gateway.mac, frame.speaksOf?.mac],
    ['the destination MAC address', plan.client.mac, frame.dstMac],
  ];
}

function encapsulated(frame: Frame): Expectation[] {
  const { local, to } = plan.vtep;
  const outer: Expectation[] = [
    ['the UDP port', vxlanPort, frame.dstPort],
    ['the VXLAN network', to.vni, frame.vni],
    ['the outer source address', local.address, frame.src],
    ['the outer destination address', to.address, frame.dst],
    ['the outer destination MAC address', to.mac, frame.dstMac],
    ['the validity of the outer IPv4 checksum', 'true', String(frame.checksumHolds)],
  ];
  return frame.inner === undefined ? outer : [...outer, ...routed(frame.inner).map(inside)];
}

const inside = ([what, ...rest]: Expectation): Expectation => [`inside the tunnel, ${what}`, ...rest];

/** The routes lie side by side: a million of them end before 36.0.0.0. */
function behindRoutes(address: string): boolean {
  const value = parseIp(address)?.value ?? -1n;
  if (address.includes(':')) return cidrContains('2001:db8:8000::/34', address);
  return value >= (parseIp(plan.firstRoute)?.value ?? 0n) && value < (parseIp('36.0.0.0')?.value ?? 0n);
}

function inSnatRange(address: string | number | undefined): boolean {
  const first = parseIp(plan.snat.first)?.value ?? 0n;
  const value = parseIp(String(address))?.value ?? -1n;
  return value >= first && value < first + BigInt(plan.snat.count);
}
