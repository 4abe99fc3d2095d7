import { buildUdpFrame } from '@weft/kernel/contract/net';
import test from 'ava';
import { checkFrame, checkFrames } from './check.ts';
import { plan } from './scenario.ts';

const l3 = { kind: 'l3', routes: 1000, family: 4 } as const;
const ports = { srcPort: 1024, dstPort: 9 } as const;

interface Changes {
  readonly src?: string;
  readonly dst?: string;
  readonly srcMac?: string;
  readonly dstMac?: string;
  readonly vlan?: number;
  readonly hopLimit?: number;
}

/** A frame as a router sends it. */
function frame({ hopLimit = 63, ...changes }: Changes = {}): Buffer {
  const addresses = { src: plan.client.address, dst: '20.0.3.9', srcMac: plan.gateway.mac, dstMac: plan.server.mac };
  const bytes = buildUdpFrame({ ...ports, ...addresses, ...changes, payload: Buffer.alloc(18) });
  const l3Offset = changes.vlan === undefined ? 14 : 18;
  // TTL and its checksum: RFC 1624, the word lost (64 - hopLimit) << 8.
  bytes.writeUInt8(hopLimit, l3Offset + 8);
  const sum = bytes.readUInt16BE(l3Offset + 10) + ((64 - hopLimit) << 8);
  bytes.writeUInt16BE((sum & 0xffff) + (sum >> 16), l3Offset + 10);
  return bytes;
}

const vxlan = (inner: Buffer, dst: string = plan.vtep.to.address) => {
  const header = Buffer.from([8, 0, 0, 0, 0, plan.vtep.to.vni >> 8, plan.vtep.to.vni & 255, 0]);
  const addresses = { src: plan.vtep.local.address, dst, srcMac: plan.vtep.local.mac, dstMac: plan.vtep.to.mac };
  return buildUdpFrame({ ...addresses, srcPort: 50_000, dstPort: 4789, payload: Buffer.concat([header, inner]) });
};

test('a routed frame passes', (t) => {
  t.is(checkFrame(l3, frame()), undefined);
});

test('a frame that was only moved is named', (t) => {
  t.regex(checkFrame(l3, frame({ hopLimit: 64 })) ?? '', /^the hop limit is 64, expected 63: /);
  t.regex(
    checkFrame(l3, frame({ dstMac: plan.gateway.mac })) ?? '',
    /^the destination MAC address is 00:00:5e:00:01:00, expected 02:00:00:00:00:02/,
  );
  t.regex(checkFrame(l3, frame({ srcMac: plan.client.mac })) ?? '', /^the source MAC address is 02:00:00:00:00:01/);
});

test('a checksum that was not mended is named', (t) => {
  const bytes = frame();
  bytes.writeUInt16BE(bytes.readUInt16BE(24) ^ 1, 24);
  t.regex(checkFrame(l3, bytes) ?? '', /^the validity of the IPv4 checksum is false/);
});

test('the IP version, the VLAN and the destination count', (t) => {
  t.regex(checkFrame({ ...l3, family: 6 }, frame()) ?? '', /^the IP version is 4, expected 6/);
  t.regex(checkFrame({ kind: 'vlan' }, frame({ vlan: plan.vlans[0] })) ?? '', /^the VLAN is 101, expected 102/);
  t.is(checkFrame({ kind: 'vlan' }, frame({ vlan: plan.vlans[1] })), undefined);
  t.regex(checkFrame(l3, frame({ dst: '10.0.1.2' })) ?? '', /^the destination address is 10\.0\.1\.2/);
});

test('IPv6 has no header checksum and is routed all the same', (t) => {
  const bytes = buildUdpFrame({
    ...ports,
    srcMac: plan.gateway.mac,
    dstMac: plan.server.mac,
    src: plan.client.address6,
    dst: '2001:db8:8000:3::9',
    payload: Buffer.alloc(0),
  });
  t.regex(checkFrame({ ...l3, family: 6 }, bytes) ?? '', /^the hop limit is 64/);
  bytes.writeUInt8(63, 21);
  t.is(checkFrame({ ...l3, family: 6 }, bytes), undefined);
});

test('bridging changes nothing', (t) => {
  const bridged = frame({ srcMac: plan.client.mac, dstMac: '06:00:00:00:00:07', hopLimit: 64 });
  t.is(checkFrame({ kind: 'l2', macs: 10 }, bridged), undefined);
  t.regex(checkFrame({ kind: 'l2', macs: 10 }, frame()) ?? '', /^the destination MAC address is 02:/);
});

test('limits: only what the mode says is swapped', (t) => {
  const untouched = frame({ srcMac: plan.client.mac, dstMac: plan.gateway.mac, hopLimit: 64 });
  const swapped = frame({ srcMac: plan.gateway.mac, dstMac: plan.client.mac, hopLimit: 64 });
  const turned = frame({ srcMac: plan.gateway.mac, dstMac: plan.client.mac, src: '20.0.3.9', dst: plan.client.address, hopLimit: 64 });
  t.is(checkFrame({ kind: 'limit', mode: 'io' }, untouched), undefined);
  t.is(checkFrame({ kind: 'limit', mode: 'macswap' }, swapped), undefined);
  t.is(checkFrame({ kind: 'limit', mode: '5tswap' }, turned), undefined);
  t.regex(checkFrame({ kind: 'limit', mode: 'macswap' }, untouched) ?? '', /^the source MAC address/);
  t.regex(checkFrame({ kind: 'limit', mode: '5tswap' }, swapped) ?? '', /^the destination address is 20\.0\.3\.9, expected 10\.0\.0\.2/);
});

test('source NAT: the source is one of the pool', (t) => {
  t.is(checkFrame({ kind: 'snat' }, frame({ src: '203.0.113.32' })), undefined);
  t.regex(checkFrame({ kind: 'snat' }, frame({ src: '203.0.113.33' })) ?? '', /^the source address is 203\.0\.113\.33/);
});

test('a floating address: the source is that one', (t) => {
  t.is(checkFrame({ kind: 'fip' }, frame({ src: '203.0.113.1' })), undefined);
  t.regex(checkFrame({ kind: 'fip' }, frame({ src: '203.0.113.2' })) ?? '', /^the source address is 203\.0\.113\.2, expected 203/);
});

test('a tunnel is looked into', (t) => {
  t.is(checkFrame({ kind: 'vxlan' }, vxlan(frame())), undefined);
  t.regex(checkFrame({ kind: 'vxlan' }, vxlan(frame({ hopLimit: 64 }))) ?? '', /^inside the tunnel, the hop limit is 64/);
  t.regex(checkFrame({ kind: 'vxlan' }, vxlan(frame(), '192.0.2.9')) ?? '', /^the outer destination address is 192\.0\.2\.9/);
  t.regex(checkFrame({ kind: 'vxlan' }, frame()) ?? '', /^the UDP port is 9, expected 4789/);
});

test('an ARP answer says the address and the MAC address of the gateway', (t) => {
  const hex = (text: string) => text.replaceAll(':', '');
  const reply = (operation: string, mac: string) =>
    Buffer.from(
      `${hex(plan.client.mac)}${hex(mac)}08060001080006040${operation}${hex(mac)}0a000001${hex(plan.client.mac)}0a000002`.replace(
        '06040',
        '0604000',
      ),
      'hex',
    );
  t.is(checkFrame({ kind: 'arp' }, reply('2', plan.gateway.mac)), undefined);
  t.regex(checkFrame({ kind: 'arp' }, reply('1', plan.gateway.mac)) ?? '', /^the operation is 1, expected 2/);
  t.regex(checkFrame({ kind: 'arp' }, reply('2', plan.server.mac)) ?? '', /^the answered MAC address/);
});

test('flows that are turned round are judged in both directions', (t) => {
  const back = frame({ src: '20.0.3.9', dst: plan.client.address, dstMac: plan.client.mac });
  t.is(checkFrames({ kind: 'stateful' }, true, [frame(), back]), undefined);
  t.is(checkFrames({ kind: 'stateful' }, true, [frame()]), 'no frame came back to the client');
  t.is(checkFrames({ kind: 'stateful' }, true, [back]), 'no frame went its way');
  const lost = frame({ src: '20.0.3.9', dst: '203.0.113.1', dstMac: plan.client.mac });
  t.regex(checkFrames({ kind: 'snat' }, true, [frame({ src: '203.0.113.1' }), lost]) ?? '', /frame that came back is 203\.0\.113\.1/);
});

test('a frame that is cut short is no reason to throw', (t) => {
  t.regex(checkFrame(l3, frame().subarray(0, 20)) ?? '', /^a frame of 20 bytes is cut short/);
});
