/** A VM on a vhost-user port that floods whatever a VM can ask for (appliance/traffic/services/storm.c). */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Appliance, top } from './appliance.ts';
import type { Vms } from './vms.ts';

const program = join(top, 'appliance/traffic/build/storm');
const mac = '02:00:00:00:09:01';
const addresses = ['10.1.0.11', '10.1.0.1', '2001:db8:1::11', '2001:db8:1::1'];

/** What its sender says. */
export interface Sent {
  readonly sent: number;
  readonly refused: number;
  readonly seconds: number;
  readonly rate: number;
  readonly cpuSeconds: number;
}

/** Its port's counters. */
interface PortLedger {
  readonly port: string;
  readonly rxPackets: number;
  readonly balanced: boolean;
}

/** `vhost-user`: a virtio device in shared memory; `netns`: a veth pair. */
export type StormBinding = 'vhost-user' | 'netns';

export class Storm {
  readonly #appliance: Appliance;
  readonly #vms: Vms;
  readonly #binding: StormBinding;

  constructor(appliance: Appliance, vms: Vms, binding: StormBinding = 'vhost-user') {
    this.#appliance = appliance;
    this.#vms = vms;
    this.#binding = binding;
  }

  /** Of its network, its port and its namespace. */
  get #name(): string {
    return `storm-${this.#binding}`;
  }

  get #socket(): string {
    return join(this.#appliance.stateDir, 'storm.sock');
  }

  /** Its network, its namespace and its port. */
  async add(): Promise<void> {
    const { netns } = await this.#vms.add(this.#name);
    const binding =
      this.#binding === 'netns' ? { type: 'netns', netns, interface: 'eth0' } : { type: 'vhost-user', socket: this.#socket, server: true };
    const subnets = [{ cidr: '10.1.0.0/24' }, { cidr: '2001:db8:1::/64' }];
    await this.#appliance.apply([
      { kind: 'VirtualNetwork', metadata: { name: this.#name }, spec: { subnets } },
      {
        kind: 'Port',
        metadata: { name: this.#name },
        spec: { network: this.#name, mac, addresses: [addresses[0], addresses[2]], binding },
      },
    ]);
    // Until its socket, or its interface, is there: a port on a socket is ready when its VM is.
    if (this.#binding === 'netns') await this.#appliance.must(['wait', 'Port', this.#name, '--for=ready', '--timeout=20s']);
    else await sleep(1_500);
  }

  /** Its port and its network; the namespace goes with the others. */
  async remove(): Promise<void> {
    await this.#appliance.must(['delete', 'Port', this.#name]);
    await this.#appliance.must(['delete', 'VirtualNetwork', this.#name]);
  }

  /** Floods while `work` runs. `perSecond`: packets that the port received meanwhile. */
  async during<T>(
    options: readonly string[],
    work: () => Promise<T>,
  ): Promise<{ sent: Sent; perSecond: number; balanced: boolean; result: T }> {
    const to = this.#binding === 'netns' ? 'eth0' : this.#socket;
    const before = await this.#ledger();
    const began = performance.now();
    const sender = this.#vms.start(this.#name, [program, to, mac, ...addresses, ...options]);
    try {
      // So that nothing is measured before it is in full flood.
      await sleep(500);
      const result = await work();
      const perSecond = ((await this.#ledger()).rxPackets - before.rxPackets) / ((performance.now() - began) / 1_000);
      const sent = JSON.parse(await sender.stop()) as Sent;
      return { sent, perSecond, balanced: (await this.#ledger()).balanced, result };
    } finally {
      await sender.stop();
    }
  }

  async #ledger(): Promise<PortLedger> {
    const { items } = await this.#appliance.json<{ items: PortLedger[] }>(['ports', '-A']);
    const found = items.find(({ port }) => port === this.#name);
    if (found === undefined) throw new Error('the storm has no port');
    return found;
  }
}
