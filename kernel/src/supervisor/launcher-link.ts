/** The kernel's end of the Node IPC channel to the launcher. */
import { type ChildState, fail, type KernelToLauncher, type LauncherToKernel } from '../../contract/system/index.ts';

export interface LauncherLink {
  send(message: KernelToLauncher): void;
  /** The launcher sends all children at the kernel's start and at every change. */
  onChildren(listener: (children: readonly ChildState[]) => void): void;
  /** What the forwarder tells of itself, Prometheus text. Rejects with `DEADLINE`. */
  forwarderMetrics(deadlineMs: number): Promise<string>;
}

/** Of a process that has no launcher. */
const noLauncher: LauncherLink = {
  send: () => undefined,
  onChildren: () => undefined,
  forwarderMetrics: () => Promise.reject(fail('UNAVAILABLE', 'there is no launcher to ask', 'start Weft with: weft up')),
};

/** `noLauncher` when this process has no IPC channel. */
export function connectLauncher(): LauncherLink {
  if (process.send === undefined) return noLauncher;
  const send = (message: KernelToLauncher): void => {
    if (process.connected) process.send?.(message);
  };
  const waiting = new Map<number, (text: string) => void>();
  let tell: (children: readonly ChildState[]) => void = () => undefined;
  let latest: readonly ChildState[] | null = null;
  process.on('message', (message: LauncherToKernel) => {
    if (message.type === 'children') {
      latest = message.children;
      tell(latest);
    } else if (message.type === 'metrics') waiting.get(message.id)?.(message.text);
  });
  let last = 0;
  return {
    send,
    onChildren: (listener) => {
      tell = listener;
      // the first news come while the kernel is still opening its store
      if (latest !== null) listener(latest);
    },
    forwarderMetrics: (deadlineMs) => {
      const id = ++last;
      return new Promise<string>((resolve, reject) => {
        const late = (): void => reject(fail('DEADLINE', `the forwarder did not tell its metrics within ${deadlineMs} ms`));
        const timer = setTimeout(late, deadlineMs);
        waiting.set(id, resolve);
        send({ type: 'metrics', id });
        timer.unref();
      }).finally(() => waiting.delete(id));
    },
  };
}
