import { packUpsert, type Row, servicePortId } from '@weft/kernel/contract/net';
import test from 'ava';
import { stepKinds, type TracedStep, verdicts } from '../binding/index.ts';
import { traceSteps } from './trace.ts';

const headBytes = 8;
const rowOf = (row: Row): Buffer => packUpsert(row).subarray(headBytes);
const step = (kind: keyof typeof stepKinds, fields: Partial<TracedStep> = {}): TracedStep => ({
  ...{ kind: stepKinds[kind], length: 0, port: 0, value: 0, data: Buffer.alloc(0) },
  ...fields,
});

/** A struct fwd_flow that begins: TCP over IPv4 from port 1. */
const flow = Buffer.alloc(168);
flow.writeUInt32LE(1, 56);
flow.writeUInt16LE(0xffff, 92);
flow.set([1, 0, 0, 6, 4], 94);
flow.set([10, 0, 0, 1], 104);
flow.set([10, 0, 0, 2], 120);

const mac: Row = { table: 'mac', bridge: 1, mac: '02:00:00:00:00:01', port: 4 };
const puntClass: Row = { table: 'punt_class', id: 7, receiver: 3, rate: 1, burst: 1, portRate: 1, portBurst: 1, name: 'dhcp' };

test('numbers become names: verdicts, tables, reasons, plugins and classes', (t) => {
  const frame = Buffer.from([1, 2]);
  const steps = [
    step('STAGE', { value: verdicts.NEXT, data: Buffer.from('check') }),
    step('STAGE', { value: 5, data: Buffer.from('route') }),
    step('ROW', { value: 4, data: rowOf(mac) }),
    step('ROW', { value: 200 }),
    step('FLOW', { data: flow }),
    step('SENT', { port: 4, data: frame }),
    step('SENT', { port: servicePortId(3), data: frame }),
    step('DROPPED', { value: 5, data: frame }),
    step('PUNTED', { value: 7, data: frame }),
    step('MADE', { data: frame }),
    step('LEARNED', { value: 12 }),
  ];
  const library = {
    trace: (port: number) => (port === 9 ? steps : []),
    dropName: (reason: number) => `reason-${reason}`,
    dropSentence: () => 'It was so.',
    rowsRead: () => rowOf(puntClass),
  };
  t.deepEqual(
    traceSteps(library, 9, frame, (owner) => `plugin-${owner}`),
    [
      { kind: 'stage', stage: 'check', verdict: 'next' },
      { kind: 'stage', stage: 'route', verdict: 'reason-5' },
      { kind: 'row', row: mac },
      {
        kind: 'flow',
        flow: {
          ...{ event: 'began', timeMs: 0, fromPort: 1, fromGeneration: 0, toPort: 0, toGeneration: 0, protocol: 6 },
          ...{ src: '10.0.0.1', dst: '10.0.0.2', srcPort: 0, dstPort: 0, state: 'opening', action: 'allow' },
          ...{ packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0, ageMs: 0, idleMs: 0 },
        },
      },
      { kind: 'sent', port: 4, frame },
      { kind: 'served', plugin: 'plugin-3', frame },
      { kind: 'dropped', reason: 'reason-5', sentence: 'It was so.', frame },
      { kind: 'punted', plugin: 'plugin-3', puntClass: 'dhcp', frame },
      { kind: 'made', frame },
      { kind: 'learned', table: 'learned_mac' },
    ],
  );
});
