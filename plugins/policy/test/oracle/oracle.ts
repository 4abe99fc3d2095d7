/** The forwarder as a program that is asked (forwarder/test/oracle): questions as bytes, answers as values. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { readIp } from '@weft/kernel/contract/net';

/** Where `make -C forwarder oracle` puts it; WEFT_ORACLE names another one. */
export const oracleProgram = process.env.WEFT_ORACLE ?? join(import.meta.dirname, '../../../../forwarder/build/asan/oracle');

const kinds = { rows: 1, attach: 2, frame: 3, time: 4, flows: 5, flush: 6, race: 7, names: 8 } as const;
const items = { left: 1, dropped: 2, punted: 3, made: 4 } as const;
const flowStates = ['opening', 'established', 'closing', 'closed'] as const;
const flowBytes = 168;
const nothingDropped = 0xffff;

export interface ToldFlow {
  readonly fromPort: number;
  readonly toPort: number;
  readonly protocol: number;
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly state: string;
  readonly action: 'allow' | 'deny';
  readonly packets: number;
  readonly bytes: number;
  readonly replyPackets: number;
  readonly replyBytes: number;
  readonly lastDrop?: string;
  readonly egress: { readonly group: number; readonly number: number };
  readonly ingress: { readonly group: number; readonly number: number };
}

export type Answer =
  | { readonly kind: 'rows'; readonly refused?: string }
  | {
      readonly kind: 'frames';
      readonly left: readonly { readonly port: number; readonly frame: Buffer }[];
      readonly dropped: readonly string[];
      readonly made: number;
      readonly punted: number;
    }
  | { readonly kind: 'flows'; readonly flows: readonly ToldFlow[] }
  | { readonly kind: 'race'; readonly frames: readonly { readonly sent: number; readonly left: number }[] };

function question(what: number, value: number, bytes: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(what, 0);
  head.writeUInt32LE(value, 4);
  head.writeUInt32LE(bytes.length, 8);
  return Buffer.concat([head, bytes]);
}

export const askRows = (batch: Buffer): Buffer => question(kinds.rows, 0, batch);
export const askAttach = (port: number): Buffer => question(kinds.attach, port);
export const askFrame = (port: number, frame: Buffer): Buffer => question(kinds.frame, port, frame);
export const askTime = (seconds: number): Buffer => question(kinds.time, seconds);
export const askFlows = (): Buffer => question(kinds.flows, 0);
export const askRace = (bytes: Buffer): Buffer => question(kinds.race, 0, bytes);

/** Asks a forwarder that knows nothing yet. Rejects when it dies. */
export async function ask(
  questions: readonly Buffer[],
  options: readonly string[] = [],
  program = oracleProgram,
): Promise<readonly Answer[]> {
  const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' };
  const child = spawn(program, options, { stdio: ['pipe', 'pipe', 'pipe'], env });
  const chunks: Buffer[] = [];
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => (complaint = (complaint + chunk).slice(-8_000)));
  // It may end before it has read all: what it says then tells more than EPIPE.
  child.stdin.on('error', () => undefined);
  child.stdin.end(Buffer.concat(questions));
  const [code, signal] = await new Promise<readonly [number | null, string | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...end) => resolve(end));
  });
  const answers = readAnswers(Buffer.concat(chunks));
  if (code !== 0) throw new Error(`the oracle ended with ${code ?? signal} after ${answers.length} answers: ${complaint}`);
  return answers;
}

function readAnswers(bytes: Buffer): Answer[] {
  const answers: Answer[] = [];
  let names: readonly string[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const [what, length] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (what === kinds.names) names = content.toString().split('\0');
    else answers.push(readAnswer(what, content, names));
    at += 8 + length;
  }
  return answers;
}

function readAnswer(what: number, bytes: Buffer, names: readonly string[]): Answer {
  switch (what) {
    case kinds.rows:
      return bytes.length === 0 ? { kind: 'rows' } : { kind: 'rows', refused: bytes.toString() };
    case kinds.frame:
    case kinds.time:
      return readFrames(bytes, names);
    case kinds.flows:
      return {
        kind: 'flows',
        flows: Array.from({ length: bytes.length / flowBytes }, (_, index) => readFlow(bytes.subarray(index * flowBytes), names)),
      };
    case kinds.race:
      return { kind: 'race', frames: Array.from({ length: bytes.length / 8 }, (_, index) => readRaced(bytes, index * 8)) };
    default:
      throw new Error(`the oracle gave an answer of kind ${what}`);
  }
}

const readRaced = (bytes: Buffer, at: number) => ({ sent: bytes.readUInt32LE(at), left: bytes.readUInt32LE(at + 4) });

function readFrames(bytes: Buffer, names: readonly string[]): Answer {
  const left: { port: number; frame: Buffer }[] = [];
  const dropped: string[] = [];
  const counts = { made: 0, punted: 0 };
  for (let at = 0; at < bytes.length; ) {
    const [kind, count, value] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2), bytes.readUInt32LE(at + 4)];
    at += 8;
    if (kind === items.left) {
      left.push({ port: value, frame: bytes.subarray(at, at + count) });
      at += (count + 7) & ~7;
    } else if (kind === items.dropped) {
      dropped.push(...Array<string>(count).fill(names[value] ?? String(value)));
    } else {
      counts[kind === items.made ? 'made' : 'punted'] += count;
    }
  }
  return { kind: 'frames', left, dropped, ...counts };
}

function readFlow(bytes: Buffer, names: readonly string[]): ToldFlow {
  const width = bytes.readUInt8(98) === 4 ? 4 : 16;
  const lastDrop = bytes.readUInt16LE(92);
  return {
    packets: Number(bytes.readBigUInt64LE(24)),
    bytes: Number(bytes.readBigUInt64LE(32)),
    replyPackets: Number(bytes.readBigUInt64LE(40)),
    replyBytes: Number(bytes.readBigUInt64LE(48)),
    fromPort: bytes.readUInt32LE(56),
    toPort: bytes.readUInt32LE(64),
    egress: { group: bytes.readUInt32LE(72), number: bytes.readUInt32LE(76) },
    ingress: { group: bytes.readUInt32LE(80), number: bytes.readUInt32LE(84) },
    srcPort: bytes.readUInt16LE(88),
    dstPort: bytes.readUInt16LE(90),
    ...(lastDrop === nothingDropped ? {} : { lastDrop: names[lastDrop] ?? String(lastDrop) }),
    state: flowStates[bytes.readUInt8(95)] ?? '?',
    action: bytes.readUInt8(96) === 0 ? 'allow' : 'deny',
    protocol: bytes.readUInt8(97),
    src: readIp(bytes.subarray(104, 104 + width)),
    dst: readIp(bytes.subarray(120, 120 + width)),
  };
}
