/** What one VM that floods costs, and what the others notice. */
import type { Measurement, Rounds } from '../../kernel/bench/measurement.ts';
import type { Appliance } from '../run/appliance.ts';
import { coresBesideForwarder, measureShares, type Share } from '../run/cpu-share.ts';
import { ServiceClients } from '../run/service-clients.ts';
import { Storm, type StormBinding } from '../run/storm.ts';
import { knownNames } from '../run/upstream.ts';
import type { Vms } from '../run/vms.ts';
import { addLoad } from './services-figures.ts';

const aim = 1_000_000;
const note = 'A mix in equal parts: ARP, neighbour and router solicitations, DHCP, DHCPv6, DNS, TCP SYNs to metadata over IPv4 and IPv6.';

/** `measured`: what the flooding port received; the sender shares the CPUs with all else. */
function addStorm(rounds: Rounds, binding: StormBinding, measured: number, shares: readonly Share[]): void {
  const figure: Omit<Measurement, 'values' | 'unit' | 'better'> = {
    group: 'services',
    case: 'storm',
    title: 'One VM floods',
    variant: `on a ${binding} port`,
    contestant: 'weft',
    note,
  };
  rounds.add({ ...figure, unit: 'packets/s', better: 'more', ...(binding === 'vhost-user' && { target: aim }) }, measured);
  rounds.add({ ...figure, unit: '% of a core: kernel and plugins', better: 'less', target: 100 }, 100 * coresBesideForwarder(shares));
}

export async function measureStorm(appliance: Appliance, vms: Vms, rounds: Rounds, seconds: number): Promise<void> {
  const clients = new ServiceClients(appliance, vms);
  await clients.add();
  const file = clients.names(knownNames(200));
  await clients.ask('dns', ['rate=500', 'seconds=2', 'depth=4', file], 32);
  const [run, dnsPorts] = [`seconds=${seconds}`, 32];
  for (const binding of ['vhost-user', 'netns'] as const) {
    const storm = new Storm(appliance, vms, binding);
    await storm.add();
    const others = async () => ({
      dhcp4: await clients.ask('dhcp4', ['rate=200', run]),
      dns: await clients.ask('dns', ['rate=500', 'depth=4', run, file], dnsPorts),
    });
    const { shares, result } = await measureShares(appliance, () => storm.during([`rate=${aim}`], others));
    addStorm(rounds, binding, result.perSecond, shares);
    const { dhcp4, dns } = result.result;
    const variant = `beside a flood on a ${binding} port`;
    addLoad(rounds, { case: 'storm-dhcp4', title: 'DHCPv4, 200/s of 256 ports', variant, ...dhcp4, shares: [] });
    addLoad(rounds, { case: 'storm-dns', title: 'DNS, 500/s of 32 ports', variant, ...dns, shares: [] });
    await storm.remove();
  }
}
