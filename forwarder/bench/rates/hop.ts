/** The plugin's end of the ZeroMQ hop that punts take: reads every record and counts. A job of a process without a forwarder. */
import { connectRaw } from '@weft/kernel/bus';
import { readPunts } from '@weft/kernel/contract/net';

interface Keys {
  readonly publicKey: string;
  readonly secretKey: string;
}

export interface HopTarget {
  /** Of the socket; the forwarder's process makes it. */
  readonly path: string;
  readonly serverKeys: Keys;
  readonly keys: Keys;
  /** How long the other end may take to connect. */
  readonly joinMs: number;
}

export interface HopOutput {
  readonly records: number;
  /** Between the first batch and the last. */
  readonly perSecond: number;
}

const silenceMs = 800;

/** Answers when nothing came for a while after something did. */
export function hop({ path, serverKeys, keys }: HopTarget): Promise<HopOutput> {
  let records = 0;
  let first = 0;
  let last = 0;
  const socket = connectRaw({ path, keys, serverKey: serverKeys.publicKey }, (batch) => {
    last = performance.now();
    if (first === 0) first = last;
    for (const { frame } of readPunts(batch)) records += frame.length > 0 ? 1 : 0;
  });
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (last === 0 || performance.now() - last < silenceMs) return;
      clearInterval(timer);
      socket.close();
      resolve({ records, perSecond: (records / (last - first)) * 1e3 });
    }, 50);
  });
}
