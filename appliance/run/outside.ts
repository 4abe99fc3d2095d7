/** What lies beyond an uplink, for tests: machines outside as a lab has them, in namespaces of a `Vms`. */
import { Checker } from '../lab/scenario/checker.ts';
import { type OutsideMachine, parseOutside } from '../lab/scenario/outside.ts';
import { layCables, setUp } from '../lab/scenario/wiring.ts';
import type { Vms } from './vms.ts';

export class Outside {
  readonly #vms: Vms;
  readonly #machines: readonly OutsideMachine[];

  /** `machines`: section `outside` of a lab. */
  constructor(vms: Vms, machines: unknown) {
    this.#vms = vms;
    this.#machines = parseOutside(new Checker('outside'), machines);
  }

  /** The namespaces and the cables between them. */
  async add(): Promise<void> {
    for (const { name } of this.#machines) await this.#vms.add(name);
    await layCables(this.#machines, (name) => this.#vms.netns(name));
  }

  /** Binding of an Uplink: the interface that names it. */
  binding(uplink: string): object {
    for (const { name, interfaces } of this.#machines)
      for (const link of interfaces)
        if ('uplink' in link && link.uplink === uplink) return { type: 'netns', netns: this.#vms.netns(name), interface: link.interface };
    throw new Error(`no interface outside names the uplink ${uplink}`);
  }

  /** Addresses and routes, once the appliance has the uplinks. */
  async setUp(): Promise<void> {
    await Promise.all(this.#machines.map((machine) => setUp(machine, this.#vms.netns(machine.name))));
  }
}
