/** Fuzz target: the frame parser, the DHCP codec and the server's rules, on whatever a VM may send. */
import assert from 'node:assert/strict';
import { buildUdpFrame, parseUdpFrame } from '@weft/kernel/contract/net';
import { toldOptions } from '../told-options.ts';
import { answer } from '../v4/answer.ts';
import { buildDhcp, parseDhcp } from '../v4/codec.ts';
import { messageTypes, optionCodes } from '../v4/option.ts';
import { assignment, clientMac, clientMessage } from './client.ts';

const long = Buffer.alloc(255, 0xaa);
const list = Buffer.from([1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42]);
const messages = Object.values(messageTypes).flatMap((type) => [
  clientMessage({ type, options: [[55, list]] }),
  clientMessage(
    {
      type,
      requested: '10.1.0.11',
      server: '10.1.0.1',
      options: [
        [57, Buffer.from([5, 220])],
        [61, long],
      ],
    },
    { flags: 0x8000 },
  ),
  clientMessage({ type }, { ciaddr: '10.1.0.11' }),
  clientMessage({ type, options: [[82, Buffer.from('0102abcd', 'hex')]] }, { giaddr: '10.9.0.1' }),
]);
const payloads = messages.map((message) => buildDhcp(message, 548).bytes);
payloads.push(
  buildDhcp(
    clientMessage({
      type: 1,
      options: [
        [12, long],
        [60, long],
        [77, long.subarray(0, 50)],
      ],
    }),
    548,
  ).bytes,
);

/** Payloads bare, and inside a frame. */
export const seeds: readonly Buffer[] = [
  ...payloads,
  ...payloads.map((payload) =>
    buildUdpFrame({
      srcMac: clientMac,
      dstMac: 'ff:ff:ff:ff:ff:ff',
      src: '0.0.0.0',
      dst: '255.255.255.255',
      srcPort: 68,
      dstPort: 67,
      payload,
    }),
  ),
];

/** Everything that a port can be told, and more than a small client takes. */
const crowded = {
  ...assignment,
  routes: Array.from({ length: 40 }, (_, index) => ({ prefix: `10.${index}.0.0/16`, nextHop: '10.1.0.9' })),
  told: toldOptions(4, [
    {
      ntp: ['10.1.0.5'],
      domainSearch: ['a.red.example', 'red.example', 'example'],
      tftpServerName: 'boot.red.example',
      bootFile: 'b'.repeat(127),
      tftpServers: ['10.1.0.6'],
      custom: [{ code: 224, hex: '00'.repeat(300) }, { code: 225, text: 'x' }], // biome-ignore format: one line
    },
  ]),
};

export function run(data: Buffer): void {
  const framed = parseUdpFrame(data);
  if (framed !== undefined) assert.deepEqual(parseUdpFrame(buildUdpFrame(framed)), framed);
  const parsed = parseDhcp(framed?.payload ?? data);
  if (!parsed.ok) return;
  const built = buildDhcp(parsed.message, 65_000);
  assert.deepEqual(built.omitted, []);
  assert.deepEqual(parseDhcp(built.bytes), parsed);
  const said = answer(parsed.message, crowded, { leaseSeconds: 3600 }, framed?.src ?? '0.0.0.0');
  if (said.kind === 'silence') return;
  const reply = buildDhcp(said.message, said.limit);
  assert.ok(reply.bytes.length <= said.limit, `reply of ${reply.bytes.length} bytes, allowed are ${said.limit}`);
  const heard = parseDhcp(reply.bytes);
  assert.ok(heard.ok, 'own reply is malformed');
  for (const code of [optionCodes.messageType, optionCodes.serverIdentifier]) assert.ok(heard.message.options.has(code));
}
