/** A site for loads on services: networks with the same addresses, one client in each VLAN of a trunk (appliance/traffic/clients). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Appliance, top, until } from './appliance.ts';
import type { Vms } from './vms.ts';

const program = join(top, 'appliance/traffic/build/clients');
const trunkVm = 'trunk';

/** Milliseconds that so many of the exchanges do not exceed. */
export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What the loader counted; the head of appliance/traffic/clients/main.c says what is what. */
export interface Load {
  readonly protocol: Protocol;
  readonly begun: number;
  readonly answered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly late: number;
  readonly wrong: number;
  readonly broken: number;
  readonly strange: number;
  readonly skipped: number;
  readonly askedAgain: number;
  readonly refused: number;
  readonly example: string;
  readonly seconds: number;
  readonly rate: number;
  readonly cpuSeconds: number;
  readonly ms: Latency;
}

export type Protocol = 'dhcp4' | 'dhcp6' | 'dns';

const hex = (value: number): string => value.toString(16).padStart(2, '0');
const cidrs = ['10.1.0.0/24', '2001:db8:1::/64'];

/** `ports` clients in networks of eight; every network has the same subnets. */
export class ServiceClients {
  readonly ports: number;
  readonly #appliance: Appliance;
  readonly #vms: Vms;

  constructor(appliance: Appliance, vms: Vms, ports = 256) {
    this.ports = ports;
    this.#appliance = appliance;
    this.#vms = vms;
  }

  /** Makes trunk, networks and ports; resolves when all are Active. */
  async add(): Promise<void> {
    const { netns } = await this.#vms.add(trunkVm);
    const indexes = Array.from({ length: this.ports }, (_, index) => index);
    const networks = [...new Set(indexes.map(networkOf))];
    await this.#appliance.apply([
      { kind: 'Trunk', metadata: { name: trunkVm }, spec: { binding: { type: 'netns', netns, interface: 'trunk0' } } },
      ...networks.map((name) => ({
        kind: 'VirtualNetwork',
        metadata: { name },
        spec: { subnets: cidrs.map((cidr) => ({ cidr })), domain: `${name}.example` },
      })),
      ...indexes.map((index) => ({
        kind: 'Port',
        metadata: { name: portOf(index) },
        spec: {
          network: networkOf(index),
          hostname: portOf(index),
          mac: macOf(index),
          addresses: addressesOf(index),
          binding: { type: 'vlan', parent: trunkVm, vlan: vlanOf(index) },
        },
      })),
    ]);
    const active = async () => {
      const { items } = await this.#appliance.json<{ items: { metadata: { name: string }; status: { phase: string } }[] }>(['get', 'Port']);
      return items.filter(({ metadata, status }) => metadata.name.startsWith('client') && status.phase === 'Active').length === this.ports;
    };
    if ((await until(active, 60_000)) !== true) throw new Error(`not all of ${this.ports} ports became Active`);
  }

  /** Lets the first `clients` ask, or all. `options` are those of the loader: `seconds=10`, `rate=2000`, `boot`. */
  async ask(protocol: Protocol, options: readonly string[], clients = this.ports): Promise<Load> {
    const file = join(this.#appliance.stateDir, `clients-${clients}`);
    writeFileSync(file, Array.from({ length: clients }, (_, index) => lineOf(index)).join('\n'));
    const command = [program, 'trunk0', file, protocol, ...options];
    const { code, stdout, stderr } = await this.#vms.exec(trunkVm, command, 600_000);
    if (code !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
    return JSON.parse(stdout) as Load;
  }

  /** The loader's option for a file with these names. */
  names(entries: readonly (readonly [name: string, address: string])[]): string {
    const file = join(this.#appliance.stateDir, 'names');
    writeFileSync(file, entries.map((entry) => entry.join(' ')).join('\n'));
    return `names=${file}`;
  }
}

const networkOf = (index: number): string => `net${Math.floor(index / 8)}`;
const portOf = (index: number): string => `client${index}`;
const vlanOf = (index: number): number => 100 + index;
const macOf = (index: number): string => `02:00:00:00:02:${hex(index)}`;
const addressesOf = (index: number): readonly string[] => [`10.1.0.${11 + (index % 8)}`, `2001:db8:1::${hex(0x11 + (index % 8))}`];
const lineOf = (index: number): string => [vlanOf(index), macOf(index), addressesOf(index)[0], '10.1.0.1', addressesOf(index)[1]].join(' ');
