/** A forwarder between two namespaces. */
import { baseRows, openRows, portRow, portsUp, startForwarder } from './forwarder.ts';
import type { Context } from './process.ts';

export interface IdleInput {
  /** Namespaces that exist; each gets an interface e0 on one bridge. */
  readonly namespaces: readonly [string, string];
}

/** MAC addresses of the namespaces' interfaces. */
export async function idle(context: Context, { namespaces }: IdleInput): Promise<null> {
  const forwarder = startForwarder(context);
  const ports = namespaces.map((netns, n) => portRow(1 + n, 'netns', { interface: 'e0', netns }));
  const macs = ports.flatMap((row) => (row.table === 'port' ? [{ table: 'mac', bridge: 1, mac: row.mac, port: row.id } as const] : []));
  openRows(forwarder).upsert(...baseRows(), ...ports, ...macs);
  await portsUp(forwarder, 2);
  return null;
}
