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
    hugepages: false,
    debug: { faults: false },
  });
});

for (const [name, settings, message] of [
  ['a number out of range', { maxPorts: 0 }, /\/maxPorts is 0/],
  ['more threads than there may be', { packetThreads: 9 }, /\/packetThreads is 9/],
  ['a number that is none', { memoryMib: '128' }, /\/memoryMib is "128"/],
  ['a flag that is none', { hugepages: 1 }, /\/hugepages is 1/],
  ['a wrong flag inside debug', { debug: { faults: 'yes' } }, /\/debug\/faults is "yes"/],
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
