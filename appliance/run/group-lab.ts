/** VMs behind security groups: who they are, and whether one reaches another, in fact and by what a trace says. */
import { join } from 'node:path';
import { type Appliance, top, until } from './appliance.ts';
import type { Vms } from './vms.ts';

export interface Station {
  readonly vm: string;
  readonly project: string;
  readonly host: number;
  /** Of its port, beside network and addresses. */
  readonly spec?: object;
}

export type Family = 'v4' | 'v6';

export interface Attempt {
  readonly from: string;
  readonly to: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** Of tcp and udp. */
  readonly port?: number;
  readonly family: Family;
}

interface Traced {
  readonly end: string;
  readonly reason?: string;
  readonly advice?: string;
  readonly rules: readonly { readonly direction: string; readonly group: string; readonly text: string }[];
  readonly items: readonly { readonly step: string; readonly text: string }[];
}

const responder = join(top, 'appliance/traffic/responder.py');
const answerSeconds = 1;

/** One network, shared by all projects: 10.1.0.0/24 and 2001:db8:1::/64. */
export class GroupLab {
  readonly #appliance: Appliance;
  readonly #vms: Vms;
  /** All that there may be. */
  readonly #stations: readonly Station[];
  readonly #network: string;

  /** @param network PROJECT/NAME */
  constructor(appliance: Appliance, vms: Vms, stations: readonly Station[], network: string) {
    this.#appliance = appliance;
    this.#vms = vms;
    this.#stations = stations;
    this.#network = network;
  }

  address(vm: string, family: Family): string {
    const { host } = this.#station(vm);
    return family === 'v4' ? `10.1.0.${host}` : `2001:db8:1::${host}`;
  }

  /** These at once, with addresses, and serving these ports. */
  async join(stations: readonly Station[], tcp: readonly number[], udp: readonly number[]): Promise<void> {
    for (const { vm } of stations) await this.#vms.add(vm);
    await this.#appliance.apply(stations.map((station) => this.#port(station)));
    await Promise.all(stations.map((station) => this.#ready(station, tcp, udp)));
  }

  /** One more station. */
  async add(station: Station): Promise<void> {
    await this.#vms.add(station.vm);
    await this.#appliance.apply([this.#port(station)]);
    await this.#ready(station, [], []);
  }

  #port({ vm, project, host, spec }: Station): object {
    const binding = { type: 'netns', netns: this.#vms.netns(vm), interface: 'eth0' };
    const addresses = [`10.1.0.${host}`, `2001:db8:1::${host}`];
    return { kind: 'Port', metadata: { name: vm, project }, spec: { network: this.#network, addresses, binding, ...spec } };
  }

  /** A program in the VM that talks to a port of another one all the time; resolves with the times at which it was answered. */
  talk(from: string, how: 'tcp' | 'udp' | 'push', to: string, port: number, family: Family, seconds: number): Promise<number[]> {
    const command = ['python3', responder, 'talk', how, this.address(to, family), String(port), String(seconds)];
    const printed = this.#vms.exec(from, command, (seconds + 15) * 1_000);
    return printed.then(({ stdout }) => stdout.split('\n').filter(Boolean).map(Number));
  }

  /** Whether a real client gets an answer: curl, bash or ping. */
  async reaches({ from, to, protocol, port = 0, family }: Attempt): Promise<boolean> {
    const target = this.address(to, family);
    const result = await this.#vms.exec(from, [...this.#client(protocol, target, port)]);
    return result.code === 0 && (protocol === 'icmp' || /served|hello/.test(result.stdout));
  }

  async trace({ from, to, protocol, port, family }: Attempt): Promise<Traced> {
    const { project } = this.#station(from);
    const l4 = port === undefined ? [] : ['--l4-port', String(port)];
    const target = ['--to', this.address(to, family), '--proto', protocol];
    return await this.#appliance.json<Traced>(['--project', project, 'trace', '--from', from, ...target, ...l4]);
  }

  #client(protocol: Attempt['protocol'], target: string, port: number): readonly string[] {
    const host = target.includes(':') ? `[${target}]` : target;
    switch (protocol) {
      case 'tcp':
        return ['curl', '--silent', '--noproxy', '*', '--max-time', String(answerSeconds), `http://${host}:${port}/`];
      case 'udp':
        return ['bash', '-c', `exec 3<>/dev/udp/${target}/${port}; echo hello >&3; timeout ${answerSeconds} head -n 1 <&3`];
      case 'icmp':
        return ['ping', '-n', '-c', '1', '-W', String(answerSeconds), target];
    }
  }

  #station(vm: string): Station {
    const found = this.#stations.find((each) => each.vm === vm);
    if (found === undefined) throw new Error(`no station ${vm}`);
    return found;
  }

  async #ready({ vm, project, host }: Station, tcp: readonly number[], udp: readonly number[]): Promise<void> {
    await this.#appliance.must(['--project', project, 'wait', 'Port', vm, '--for=ready', '--timeout=20s']);
    await this.#vms.configure(vm, `10.1.0.${host}`, '10.1.0.1');
    await this.#vms.exec(vm, ['ip', 'address', 'replace', `2001:db8:1::${host}/64`, 'dev', 'eth0', 'nodad']);
    if (tcp.length === 0 && udp.length === 0) return;
    this.#vms.start(vm, ['python3', responder, 'serve', tcp.join(), udp.join()]);
    const serving = await until(async () => {
      const { stdout } = await this.#vms.exec(vm, ['ss', '-Hlntu']);
      return [...tcp, ...udp].every((port) => stdout.includes(`:${port} `));
    }, 20_000);
    if (serving !== true) throw new Error(`${vm} does not serve`);
  }
}
