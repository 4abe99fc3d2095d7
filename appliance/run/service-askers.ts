/** VMs of many tenants with the same addresses that fetch what tells them apart: their own instance id (appliance/traffic/services/fetch.c). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Appliance, top, until } from './appliance.ts';
import type { Latency } from './service-clients.ts';
import type { Vms } from './vms.ts';

const program = (name: string): string => join(top, 'appliance/traffic/build', name);
const path = '/latest/meta-data/instance-id';

/** What the loader counted; the head of appliance/traffic/services/fetch.c says what is what. */
export interface Fetched {
  readonly begun: number;
  readonly right: number;
  readonly wrong: number;
  readonly failed: number;
  readonly lost: number;
  readonly connected: number;
  readonly skipped: number;
  readonly example: string;
  readonly seconds: number;
  readonly rate: number;
  readonly cpuSeconds: number;
  readonly ms: Latency;
}

/** What became of slow connections: appliance/traffic/services/slowloris.c. */
export interface Slow {
  readonly opened: number;
  readonly refused: number;
  readonly closed: number;
  readonly most: number;
}

/** `count` VMs, two in each network; every network has the same subnets. */
export class ServiceAskers {
  readonly count: number;
  readonly #appliance: Appliance;
  readonly #vms: Vms;

  constructor(appliance: Appliance, vms: Vms, count = 50) {
    this.count = count;
    this.#appliance = appliance;
    this.#vms = vms;
  }

  /** Makes networks, namespaces and ports; resolves when all are Active and have their addresses. */
  async add(): Promise<void> {
    const indexes = Array.from({ length: this.count }, (_, index) => index);
    for (const index of indexes) await this.#vms.add(vmOf(index));
    await this.#appliance.apply([
      ...[...new Set(indexes.map(networkOf))].map((name) => ({
        kind: 'VirtualNetwork',
        metadata: { name },
        spec: { subnets: [{ cidr: '10.1.0.0/24' }, { cidr: '2001:db8:1::/64' }] },
      })),
      ...indexes.map((index) => ({
        kind: 'Port',
        metadata: { name: vmOf(index) },
        spec: {
          network: networkOf(index),
          instanceId: instanceOf(index),
          addresses: [addressOf(index)],
          binding: { type: 'netns', netns: this.#vms.netns(vmOf(index)), interface: 'eth0' },
        },
      })),
    ]);
    for (const index of indexes) {
      await this.#appliance.must(['wait', 'Port', vmOf(index), '--for=ready', '--timeout=20s']);
      await this.#vms.configure(vmOf(index), addressOf(index), '10.1.0.1');
    }
    const { code, stderr } = await this.#curlUntilServed();
    if (code !== 0) throw new Error(`nobody serves metadata: ${stderr}`);
  }

  async #curlUntilServed(): Promise<{ code: number; stderr: string }> {
    const curl = ['curl', '-sS', '-f', '-m', '5', `http://169.254.169.254${path}`];
    const ask = () => this.#vms.exec(vmOf(0), curl);
    const served = await until(async () => {
      const result = await ask();
      return result.code === 0 ? result : undefined;
    }, 20_000);
    return served ?? (await ask());
  }

  /** Lets the VMs from `first` on fetch. `options` are those of the loader: `seconds=10`, `rate=3000`, `keep=1`. */
  async fetch(options: readonly string[], address = '169.254.169.254', first = 0): Promise<Fetched> {
    const file = join(this.#appliance.stateDir, `askers-${first}`);
    const indexes = Array.from({ length: this.count - first }, (_, index) => first + index);
    writeFileSync(file, indexes.map((index) => `${this.#vms.netns(vmOf(index))} ${instanceOf(index)}`).join('\n'));
    const { code, stdout, stderr } = await this.#vms.exec(vmOf(0), [program('fetch'), file, address, '80', path, ...options], 1_200_000);
    if (code !== 0) throw new Error(`fetch: ${stderr}`);
    return JSON.parse(stdout) as Fetched;
  }

  /** The first VM holds slow connections while `work` runs. */
  async slowly<T>(options: readonly string[], work: () => Promise<T>): Promise<{ slow: Slow; during: T }> {
    const netns = this.#vms.netns(vmOf(0));
    const slowloris = this.#vms.start(vmOf(0), [program('slowloris'), netns, '169.254.169.254', '80', ...options]);
    try {
      const during = await work();
      return { slow: JSON.parse(await slowloris.stop()) as Slow, during };
    } finally {
      await slowloris.stop();
    }
  }
}

const vmOf = (index: number): string => `asker${index}`;
const networkOf = (index: number): string => `asked${Math.floor(index / 2)}`;
const addressOf = (index: number): string => `10.1.0.${11 + (index % 2)}`;
const instanceOf = (index: number): string => `8a66c114-5b9e-4f2e-9d0c-${index.toString(16).padStart(12, '0')}`;
