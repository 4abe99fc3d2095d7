/** Network namespaces for the ports of a measurement, removed after it. */
import { execFileSync } from 'node:child_process';

function batch(lines: readonly string[], force: boolean): void {
  execFileSync('ip', [...(force ? ['-force'] : []), '-batch', '-'], { input: `${lines.join('\n')}\n`, stdio: ['pipe', 'ignore', 'pipe'] });
}

/** What happens in a namespace: arguments of ip. */
export function ip(namespace: string, ...words: string[]): void {
  execFileSync('ip', ['-n', namespace, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Namespaces of which nobody speaks by itself: IPv6 is off. They are gone when `work` is done, also when this process is told to end. */
export async function withNamespaces<T>(count: number, work: (names: readonly string[]) => Promise<T>): Promise<T> {
  const names = Array.from({ length: count }, (_, n) => `wr${process.pid}-${n}`);
  const remove = (): void =>
    batch(
      names.map((name) => `netns del ${name}`),
      true,
    );
  batch(
    names.map((name) => `netns add ${name}`),
    false,
  );
  process.once('exit', remove);
  try {
    for (const name of names) execFileSync('ip', ['netns', 'exec', name, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
    return await work(names);
  } finally {
    process.off('exit', remove);
    remove();
  }
}
