import test from 'ava';
import { parseHandoff } from './handoff.ts';
import { parseSettings } from './settings.ts';

test('fills defaults: no hugepages, no faults', (t) => {
  t.deepEqual(parseSettings({}), {
    memoryMib: 64,
    stateMib: 512,
    cpu: -1,
    packetThreads: 1,
    maxPorts: 16_384,
    flows: {
      pairs: 524_288,
      portPercent: 25,
      tcpEstablished: 7_440,
      tcpTransitory: 240,
      udp: 300,
      icmp: 60,
      other: 300,
      tcpPickup: 'forward',
    },
    nat: { addresses: 16, reuseWait: 120 },
    hugepages: false,
    debug: { faults: false },
  });
});

test('takes settings of flows, each by itself', (t) => {
  t.like(parseSettings({ flows: { pairs: 4_194_304, tcpPickup: 'never' } }).flows, { pairs: 4_194_304, tcpPickup: 'never', icmp: 60 });
});

test('takes settings of shared addresses, each by itself', (t) => {
  t.deepEqual(parseSettings({ nat: { addresses: 8 } }).nat, { addresses: 8, reuseWait: 120 });
});

for (const [name, settings, message] of [
  ['a number out of range', { maxPorts: 0 }, /\/maxPorts is 0/],
  ['more threads than there may be', { packetThreads: 9 }, /\/packetThreads is 9/],
  ['a number that is none', { memoryMib: '128' }, /\/memoryMib is "128"/],
  ['a flag that is none', { hugepages: 1 }, /\/hugepages is 1/],
  ['a wrong flag inside debug', { debug: { faults: 'yes' } }, /\/debug\/faults is "yes"/],
  ['flows that are no object', { flows: [] }, /\/flows is not an object/],
  ['fewer flows than there may be', { flows: { pairs: 63 } }, /\/flows\/pairs is 63/],
  ['a share above the whole', { flows: { portPercent: 101 } }, /\/flows\/portPercent is 101/],
  ['a time that is none', { flows: { udp: 0 } }, /\/flows\/udp is 0/],
  ['a pick-up that does not exist', { flows: { tcpPickup: 'always' } }, /\/flows\/tcpPickup is "always"/],
  ['an unknown setting of flows', { flows: { sctp: 1 } }, /\/flows\/sctp is unknown/],
  ['more shared addresses than there may be', { nat: { addresses: 1_025 } }, /\/nat\/addresses is 1025/],
  ['no wait before an outside port is used anew', { nat: { reuseWait: 0 } }, /\/nat\/reuseWait is 0/],
  ['an unknown setting of shared addresses', { nat: { pool: 1 } }, /\/nat\/pool is unknown/],
  ['an unknown setting', { memory: 1 }, /\/memory is unknown/],
] as const)
  test(`refuses ${name} and names it`, (t) => {
    t.throws(() => parseSettings(settings), { message });
  });

const keys = { publicKey: 'p'.repeat(40), secretKey: 's'.repeat(40) };

test('takes a complete handoff', (t) => {
  t.is(parseHandoff(JSON.stringify({ runDir: '/run/weft', keys, linkTag: 'a1z', settings: { cpu: 1 } })).settings.cpu, 1);
});

for (const [name, text, message] of [
  ['nothing', '', /not JSON/],
  ['null', 'null', /\/runDir is missing/],
  ['a folder that is missing', JSON.stringify({ keys }), /\/runDir is missing/],
  ['a link tag that is none', JSON.stringify({ runDir: '/run/weft', keys, linkTag: 'a/b' }), /\/linkTag needs/],
  ['a short key', JSON.stringify({ runDir: '/run/weft', keys: { ...keys, secretKey: 'x' } }), /\/keys needs/],
] as const)
  test(`refuses a handoff of ${name}`, (t) => {
    t.throws(() => parseHandoff(text), { message });
  });
