import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { pcapngFrame, pcapngHead } from './pcapng.ts';
import { packetFrame } from './probe-frames.ts';

const ends = { srcMac: '02:00:00:00:00:01', src: '10.1.0.11', dst: '10.1.0.12' };
const frame = packetFrame(ends, '02:00:00:00:00:02', 'udp', 80);

test('blocks are padded to four bytes and tell their length at both ends', (t) => {
  for (const cut of [1, 2, 3, 4]) {
    const block = pcapngFrame({ timestampNs: 1n, direction: 'in', length: 60, data: frame.subarray(0, cut), comment: 'x'.repeat(cut) });
    t.is(block.length % 4, 0);
    t.is(block.readUInt32LE(4), block.length);
    t.is(block.readUInt32LE(block.length - 4), block.length);
  }
});

test('Wireshark reads times, directions, comments, losses, cut frames and the name of the port', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-pcapng-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a.pcapng');
  const common = { timestampNs: 1_795_259_516_735_881_013n, length: frame.length, data: frame };
  writeFileSync(
    path,
    Buffer.concat([
      pcapngHead('default/web1', 0),
      pcapngFrame({ ...common, direction: 'in' }),
      pcapngFrame({ ...common, direction: 'out', timestampNs: common.timestampNs + 1n, comment: 'dropped: no-route' }),
      pcapngFrame({ ...common, direction: 'none', data: frame.subarray(0, 20), lost: 3 }),
    ]),
  );
  const fields = ['frame.time_epoch', 'frame.interface_name', 'frame.packet_flags_direction', 'frame.comment', 'frame.len', 'udp.dstport'];
  const options = ['-r', path, '-T', 'fields', '-E', 'separator=|', ...fields.flatMap((field) => ['-e', field])];
  const lines = execFileSync('tshark', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .trim()
    .split('\n');
  t.deepEqual(lines, [
    `1795259516.735881013|default/web1|0x00000001||${frame.length}|80`,
    `1795259516.735881014|default/web1|0x00000002|dropped: no-route|${frame.length}|80`,
    `1795259516.735881013|default/web1|0x00000000||${frame.length}|`,
  ]);
});
