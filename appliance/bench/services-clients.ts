/** DHCP of 256 ports and DNS of 32, at the rates that are asked of them and as fast as it goes. */
import type { Rounds } from '../../kernel/bench/measurement.ts';
import type { Appliance } from '../run/appliance.ts';
import { measureShares } from '../run/cpu-share.ts';
import { type Protocol, ServiceClients } from '../run/service-clients.ts';
import { knownNames } from '../run/upstream.ts';
import type { Vms } from '../run/vms.ts';
import { addBoot, addLoad, type Loaded } from './services-figures.ts';

const names = 500;

/** `boot`: of a load that has an end, when that came. */
type Figure = Pick<Loaded, 'case' | 'title' | 'variant' | 'target' | 'targetP99'> & { readonly boot?: boolean };

interface Ask {
  readonly figure: Figure;
  readonly protocol: Protocol;
  readonly options: readonly string[];
  readonly ports: number;
}

function asksOf(seconds: number, file: string): readonly Ask[] {
  const run = `seconds=${seconds}`;
  const dhcp = (protocol: 'dhcp4' | 'dhcp6', title: string): Ask[] => [
    {
      protocol,
      ports: 256,
      options: ['rate=2050', run],
      figure: { case: protocol, title: `${title}: full exchanges, 256 ports`, variant: 'at 2,050/s', target: 2_000 },
    },
    {
      protocol,
      ports: 256,
      options: ['boot', 'seconds=30'],
      figure: { case: `${protocol}-boot`, title: `${title}: 256 clients begin at once`, variant: 'all have their addresses', boot: true },
    },
    {
      protocol,
      ports: 256,
      options: ['window=64', 'rate=9500', run],
      figure: { case: protocol, title: `${title}: full exchanges, 256 ports`, variant: 'as fast as it goes, up to 9,500/s' },
    },
  ];
  const dns = (variant: string, rest: readonly string[], aim: Pick<Figure, 'target' | 'targetP99'>): Ask => ({
    protocol: 'dns',
    ports: 32,
    options: [...rest, run, 'depth=16', file],
    figure: { case: 'dns', title: `DNS: cached answers of an upstream, ${names} names, 32 ports`, variant, ...aim },
  });
  return [
    ...dhcp('dhcp4', 'DHCPv4'),
    ...dhcp('dhcp6', 'DHCPv6'),
    dns('at 10,100/s', ['rate=10100'], { target: 10_000, targetP99: 20 }),
    dns('as fast as it goes, up to 19,000/s', ['window=128', 'rate=19000'], {}),
  ];
}

export async function measureClients(appliance: Appliance, vms: Vms, rounds: Rounds, seconds: number): Promise<void> {
  const clients = new ServiceClients(appliance, vms);
  await clients.add();
  const file = clients.names(knownNames(names));
  await clients.ask('dns', ['rate=500', 'seconds=2', 'depth=4', file], 32);
  for (const { figure, protocol, options, ports } of asksOf(seconds, file)) {
    const { shares, result } = await measureShares(appliance, () => clients.ask(protocol, options, ports));
    if (figure.boot === true) addBoot(rounds, { ...figure, ...result });
    else addLoad(rounds, { ...figure, ...result, shares });
  }
}
