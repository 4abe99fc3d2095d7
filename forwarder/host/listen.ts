/** Listens to what libforwarder says by itself: punts and port changes. */
import { type PuntClassRow, readRows } from '@weft/kernel/contract/net';
import type { Forwarder } from '../binding/index.ts';
import { PortWatch } from './port-watch.ts';
import { PuntPump } from './punt-pump.ts';
import { onWake } from './wake-pipe.ts';

/** Port changes come in swarms. */
const portsDelayMs = 10;

/** Receivers that no plugin serves yet throw their punts away. */
export function startPunts(forwarder: Forwarder): { readonly pump: PuntPump; stop(): void } {
  const pump = new PuntPump(forwarder);
  const classes = readRows('punt_class', forwarder.rowsRead(0, 'punt_class')) as PuntClassRow[];
  for (const { receiver } of classes) pump.setSink(receiver, null);
  const silence = onWake(forwarder.puntFd(), () => pump.wake());
  pump.wake();
  const stop = (): void => {
    silence();
    pump.stop();
  };
  return { pump, stop };
}

export function startPortWatch(forwarder: Forwarder): { readonly ports: PortWatch; stop(): void } {
  const ports = new PortWatch(() => forwarder.portsRead());
  let timer: NodeJS.Timeout | undefined;
  const refresh = (): void => {
    timer = undefined;
    ports.refresh();
  };
  const silence = onWake(forwarder.portsFd(), () => {
    timer ??= setTimeout(refresh, portsDelayMs);
  });
  const stop = (): void => {
    silence();
    clearTimeout(timer);
  };
  return { ports, stop };
}
