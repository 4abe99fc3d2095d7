/** A site of many networks for tests of scale: the same small network over and over, some with live ports in namespaces, chosen at random. */
import { type Appliance, run, usage } from './appliance.ts';
import { type Expected, verifyClient } from './clients.ts';
import type { Vms } from './vms.ts';

export interface SiteSize {
  readonly networks: number;
  readonly portsPerNetwork: number;
  /** Networks of which two ports are live. */
  readonly liveNetworks: number;
  /** Of the random choice. */
  readonly seed: number;
}

export interface Stored {
  readonly metadata: { readonly name: string; readonly project: string };
  readonly status: { readonly id: number; readonly phase: string; readonly addresses: readonly string[]; readonly vni?: number };
}

interface Live {
  readonly network: number;
  readonly ports: readonly [number, number];
}

const projects = 10;

export class Site {
  readonly size: SiteSize;
  readonly #vms: Vms;
  readonly #live: readonly Live[];
  /** Fewer than networks: the others have the subnet of one in another project. */
  readonly #subnets: number;

  constructor(size: SiteSize, vms: Vms) {
    this.size = size;
    this.#vms = vms;
    this.#live = chosen(size);
    this.#subnets = 5 + Math.floor((size.networks * 0.6) / projects) * projects;
  }

  get ports(): number {
    return this.size.networks * this.size.portsPerNetwork;
  }

  /** Namespaces of the live ports. */
  get vms(): readonly string[] {
    return this.#live.flatMap(({ network, ports }) => ports.map((port) => vmOf(network, port)));
  }

  /** The whole site as one file. */
  file(): string {
    const bound = new Set(this.vms);
    const objects = [
      ...Array.from({ length: projects }, (_, index) => ({ kind: 'Project', metadata: { name: `p${index}` } })),
      ...Array.from({ length: this.size.networks }, (_, network) => this.#objectsOf(network, bound)).flat(),
    ];
    return objects.map((object) => JSON.stringify(object)).join('\n---\n');
  }

  #objectsOf(network: number, bound: ReadonlySet<string>): object[] {
    const project = `p${network % projects}`;
    const bindingOf = (vm: string) => (bound.has(vm) ? { type: 'netns', netns: this.#vms.netns(vm), interface: 'eth0' } : { type: 'none' });
    return [
      {
        kind: 'VirtualNetwork',
        metadata: { name: `n${network}`, project },
        spec: { subnets: [{ cidr: `${this.#subnetOf(network)}.0/24` }], domain: `n${network}.example` },
      },
      ...Array.from({ length: this.size.portsPerNetwork }, (_, port) => ({
        kind: 'Port',
        metadata: { name: vmOf(network, port), project },
        spec: { network: `n${network}`, hostname: `h${port}`, binding: bindingOf(vmOf(network, port)) },
      })),
    ];
  }

  #subnetOf(network: number): string {
    const number = network % this.#subnets;
    return `10.${number >> 8}.${number & 255}`;
  }

  async allActive(appliance: Appliance): Promise<boolean> {
    const items = await portsOf(appliance);
    return items.length === this.ports && items.every(({ status }) => status.phase === 'Active');
  }

  /** Every live port by DHCP, DNS and pings. @returns what is wrong, a line each */
  async verify(appliance: Appliance): Promise<string[]> {
    const addresses = new Map((await portsOf(appliance)).map(({ metadata, status }) => [metadata.name, status.addresses[0] ?? '']));
    const expected = this.#live.flatMap(({ network, ports: [a, b] }) =>
      [
        { port: a, sibling: b },
        { port: b, sibling: a },
      ].map(({ port, sibling }): Expected => {
        const address = addresses.get(vmOf(network, port)) ?? '';
        const name = `h${port}.n${network}.example`;
        const gateway = `${this.#subnetOf(network)}.1`;
        return { vm: vmOf(network, port), address, gateway, name, sibling: addresses.get(vmOf(network, sibling)) ?? '' };
      }),
    );
    // The sibling must be configured before it is pinged.
    for (const { vm, address, gateway } of expected) await this.#vms.configure(vm, address, gateway);
    const wrong = await Promise.all(expected.map((each, index) => verifyClient(this.#vms, each, index % 2 === 0)));
    return wrong.flat();
  }

  /** Whether a namespace has a link of the appliance still. */
  async anyLink(): Promise<boolean> {
    const shown = await Promise.all(this.vms.map((vm) => run('ip', ['-n', this.#vms.netns(vm), '-o', 'link'])));
    return shown.some(({ stdout }) => stdout.includes('eth0'));
  }
}

function chosen({ networks, portsPerNetwork, liveNetworks, seed }: SiteSize): readonly Live[] {
  const next = random(seed);
  const picked = new Set<number>();
  while (picked.size < liveNetworks) picked.add(next(networks));
  return [...picked].map((network) => {
    const first = next(portsPerNetwork);
    return { network, ports: [first, (first + 1 + next(portsPerNetwork - 1)) % portsPerNetwork] };
  });
}

/** Numbers below a limit, the same for the same seed. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function vmOf(network: number, port: number): string {
  return `n${network}-${port}`;
}

export async function portsOf(appliance: Appliance): Promise<readonly Stored[]> {
  return (await appliance.json<{ items: Stored[] }>(['get', 'Port', '-A'])).items;
}

/** Processes of the appliance, the launcher too. */
async function pidsOf(appliance: Appliance): Promise<readonly number[]> {
  return [appliance.launcherPid, ...(await appliance.processes()).map(({ pid }) => pid)];
}

function bytesOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + usage(pid).rssBytes, 0);
}

/** Bytes that all processes hold, shared pages once. */
export async function held(appliance: Appliance): Promise<number> {
  return bytesOf(await pidsOf(appliance));
}

/** Does the work; the seconds that it took, and the most bytes that were held meanwhile. */
export async function measured(appliance: Appliance, work: () => Promise<unknown>): Promise<{ seconds: number; bytes: number }> {
  const pids = await pidsOf(appliance);
  let bytes = bytesOf(pids);
  const timer = setInterval(() => {
    bytes = Math.max(bytes, bytesOf(pids));
  }, 200);
  const begin = performance.now();
  try {
    await work();
    return { seconds: (performance.now() - begin) / 1_000, bytes };
  } finally {
    clearInterval(timer);
  }
}
