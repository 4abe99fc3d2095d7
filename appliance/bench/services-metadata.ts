/** Metadata of 50 ports: over connections that stay and over new ones, in both families, and while one port is slow on purpose. */
import type { Rounds } from '../../kernel/bench/measurement.ts';
import type { Appliance } from '../run/appliance.ts';
import { measureShares } from '../run/cpu-share.ts';
import { ServiceAskers } from '../run/service-askers.ts';
import type { Vms } from '../run/vms.ts';
import { addLoad } from './services-figures.ts';

const ipv4 = '169.254.169.254';
const figure = { case: 'metadata', title: 'Metadata: an instance id, 50 ports' } as const;

const cases = [
  { variant: 'connections that stay, IPv4', address: ipv4, options: [], target: 3_000 },
  { variant: 'ten requests on each connection, IPv4', address: ipv4, options: ['keep=10'] },
  { variant: 'a new connection for each request, IPv4', address: ipv4, options: ['keep=1'] },
  { variant: 'connections that stay, fe80::a9fe:a9fe', address: 'fe80::a9fe:a9fe', options: [] },
] as const;

export async function measureMetadata(appliance: Appliance, vms: Vms, rounds: Rounds, seconds: number): Promise<void> {
  const askers = new ServiceAskers(appliance, vms);
  await askers.add();
  for (const { options, address, ...rest } of cases) {
    const { shares, result } = await measureShares(appliance, () => askers.fetch([...options, `seconds=${seconds}`], address));
    addLoad(rounds, { ...figure, ...rest, ...result, answered: result.right, shares });
  }
  const others = () => measureShares(appliance, () => askers.fetch(['rate=1000', 'keep=10', `seconds=${seconds}`], ipv4, 1));
  const slow = { case: 'metadata-slow', title: 'Metadata: 1,000/s from 49 ports, ten requests on each connection' };
  const calm = await others();
  addLoad(rounds, { ...slow, variant: 'beside nobody', ...calm.result, answered: calm.result.right, shares: calm.shares });
  const { during } = await askers.slowly(['connections=500', 'interval=0.5'], others);
  const variant = 'beside a port that opens 500 connections and says a byte now and then';
  addLoad(rounds, { ...slow, variant, ...during.result, answered: during.result.right, shares: during.shares });
}
