/** The kernel's end of the Node IPC channel to the launcher. */
import type { ChildState, KernelToLauncher, LauncherToKernel } from '../../contract/system/index.ts';

export interface LauncherLink {
  send(message: KernelToLauncher): void;
  /** The launcher sends all children at the kernel's start and at every change. */
  onChildren(listener: (children: readonly ChildState[]) => void): void;
}

/** Null when this process has no launcher (no IPC channel). */
export function connectLauncher(): LauncherLink | null {
  if (process.send === undefined) return null;
  return {
    send: (message) => {
      if (process.connected) process.send?.(message);
    },
    onChildren: (listener) => {
      process.on('message', (message: LauncherToKernel) => {
        if (message.type === 'children') listener(message.children);
      });
    },
  };
}
