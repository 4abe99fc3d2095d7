/** A flow as libforwarder tells it. */
import { type Flow, flowEvents, flowStates } from '../../binding/index.ts';

const noDrop = 0xffff;

export function packedFlow(fields: Partial<Flow> = {}): Flow {
  return {
    ...{ timeNs: 1_700_000_000_123_456_789n, ageMs: 9n, idleMs: 4n, packets: 3n, bytes: 180n, replyPackets: 2n, replyBytes: 120n },
    ...{ fromPort: 1, fromGeneration: 11, toPort: 2, toGeneration: 12 },
    ...{ egressGroup: 0, egressNumber: 0, ingressGroup: 0, ingressNumber: 0 },
    ...{ srcPort: 40_000, dstPort: 80, lastDrop: noDrop, protocol: 6, version: 4, action: 0 },
    ...{ event: flowEvents.LISTED, state: flowStates.ESTABLISHED, src: Buffer.from([10, 0, 0, 1]), dst: Buffer.from([10, 0, 0, 2]) },
    ...{ translated: 0, natSrcPort: 0, natDstPort: 0, natSrc: Buffer.alloc(4), natDst: Buffer.alloc(4) },
    ...fields,
  };
}
