/** What a VM does with its port: asks for its address by DHCP, for its own name, and pings. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Result } from './appliance.ts';
import type { Vms } from './vms.ts';

export interface Expected {
  readonly vm: string;
  readonly address: string;
  readonly gateway: string;
  /** Fully qualified. */
  readonly name: string;
  /** Another live port of the network. */
  readonly sibling: string;
}

/** What is wrong, a line each; empty when all is well. `dhclient`: ISC's instead of busybox's. */
export async function verifyClient(vms: Vms, expected: Expected, dhclient: boolean): Promise<string[]> {
  const { vm, address, gateway, name, sibling } = expected;
  const leased = dhclient ? await leaseByDhclient(vms, vm) : await leaseByUdhcpc(vms, vm);
  if (leased !== address) return [`${vm}: DHCP gave ${leased}, status says ${address}`];
  await vms.configure(vm, address, gateway);
  const answer = await vms.exec(vm, ['dig', '+short', '+tries=3', '+time=2', `@${gateway}`, name]);
  const named = answer.stdout.trim();
  const silent: string[] = [];
  for (const target of [gateway, sibling]) {
    const { code } = await vms.exec(vm, ['ping', '-n', '-q', '-c', '3', '-i', '0.2', '-W', '2', target]);
    if (code !== 0) silent.push(`${vm}: no answer from ${target}`);
  }
  return [...(named === address ? [] : [`${vm}: ${name} is "${named}", not ${address}`]), ...silent];
}

async function leaseByUdhcpc(vms: Vms, vm: string): Promise<string> {
  const asked = await vms.exec(vm, ['udhcpc', '-i', 'eth0', '-q', '-n', '-t', '8', '-T', '1', '-s', '/bin/true']);
  return leaseIn(asked, /lease of (\S+) obtained/);
}

async function leaseByDhclient(vms: Vms, vm: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-dhclient-'));
  const files = ['-sf', '/bin/true', '-lf', join(dir, 'leases'), '-pf', join(dir, 'pid')];
  try {
    const asked = await vms.exec(vm, ['dhclient', '-1', '-v', ...files, 'eth0']);
    await vms.exec(vm, ['dhclient', '-x', ...files]);
    return leaseIn(asked, /bound to (\S+)/);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function leaseIn({ stdout, stderr }: Result, pattern: RegExp): string {
  return pattern.exec(stdout + stderr)?.[1] ?? 'nothing';
}
