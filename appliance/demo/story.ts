/** What the demo shows, in order. What a plugin serves is left out where its folder is gone. */
import type { Appliance } from '../run/appliance.ts';
import { addresses } from './addresses.ts';
import type { Check, Exec } from './check.ts';
import { groups, securityGroups } from './groups.ts';
import { linkLocal, linkLocalServices } from './link-local.ts';
import { instanceData, metadata } from './metadata.ts';
import { names, records } from './names.ts';
import { traffic } from './traffic.ts';
import { reachesOut, visitors, wayOut } from './way-out.ts';

/** Objects of the demo's tenants beside those of the lab. `dnsPort`: of a name server on the host's loopback. */
export async function ownObjects(plugins: readonly string[], dnsPort: number): Promise<readonly object[]> {
  return [
    ...(plugins.includes('dns') ? records : []),
    ...(plugins.includes('metadata') ? instanceData : []),
    ...(plugins.includes('link-local') ? await linkLocalServices(dnsPort) : []),
    ...(plugins.includes('policy') ? groups : []),
    ...(plugins.includes('snat') ? wayOut : []),
    ...(plugins.includes('snat') && plugins.includes('policy') ? visitors : []),
  ];
}

export function story(appliance: Appliance, exec: Exec, plugins: readonly string[]): Check[] {
  return [
    ...addresses(exec, plugins.includes('dhcp')),
    ...(plugins.includes('dns') ? names(exec) : []),
    ...(plugins.includes('metadata') ? metadata(exec) : []),
    ...(plugins.includes('link-local') ? linkLocal(exec) : []),
    ...(plugins.includes('policy') ? securityGroups(appliance, exec) : []),
    ...(plugins.includes('snat') ? reachesOut(appliance, exec, plugins.includes('policy')) : []),
    ...traffic(appliance, exec),
  ];
}
