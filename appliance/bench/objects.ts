/** From an object to packets: how soon a port that is asked for forwards, and how long a command takes. */
import { type ClientRequest, request } from 'node:http';
import type { Rounds } from '../../kernel/bench/measurement.ts';
import type { Appliance } from '../run/appliance.ts';
import type { Vms } from '../run/vms.ts';
import { type Extent, percentile } from './extent.ts';

const network = 'bench';
const activeMs = 20_000;
const applyBatch = 1_000;

/** The network that all ports of the bench are in; room for 65,000. */
export function networkObject(): object {
  return { kind: 'VirtualNetwork', metadata: { name: network }, spec: { subnets: [{ cidr: '10.64.0.0/16' }] } };
}

/** Ports of the network, bound to nothing: from n`from` to below n`to`. Resolves when the last transaction is saved. */
export async function storePorts(appliance: Appliance, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += applyBatch) {
    const count = Math.min(applyBatch, to - at);
    await appliance.apply(Array.from({ length: count }, (_, index) => portObject(`n${at + index}`, { type: 'none' })));
  }
}

function portObject(name: string, binding: object): object {
  return { kind: 'Port', metadata: { name }, spec: { network, binding } };
}

function socketOf(appliance: Appliance): string {
  return appliance.api.replace(/^unix:/, '');
}

/** Throws an Error with the answer when it is not 2xx. */
function post(appliance: Appliance, path: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const question = request({ socketPath: socketOf(appliance), method: 'POST', path, headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk));
      answer.once('end', () => {
        if (answer.statusCode === 201) resolve();
        else reject(new Error(`POST ${path}: ${answer.statusCode} ${text.slice(0, 500)}`));
      });
    });
    question.once('error', reject);
    question.end(JSON.stringify(body));
  });
}

/** A watch of ports that notes when each was first told to be Active. */
class ActiveTimes {
  readonly #times = new Map<string, number>();
  readonly #waiting = new Map<string, (time: number) => void>();
  #stream: ClientRequest | undefined;

  open(appliance: Appliance): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = request({ socketPath: socketOf(appliance), path: '/v1/watch?kinds=Port' }, (answer) => {
        let text = '';
        answer.on('error', reject);
        answer.on('data', (chunk) => {
          resolve();
          const events = (text + chunk).split('\n\n');
          text = events.pop() ?? '';
          for (const event of events) this.#hear(event);
        });
      });
      stream.on('error', reject);
      stream.end();
      this.#stream = stream;
    });
  }

  #hear(event: string): void {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    if (data === undefined) return;
    const { metadata, status } = JSON.parse(data) as { metadata: { name: string }; status: { phase?: string } };
    if (status.phase !== 'Active' || this.#times.has(metadata.name)) return;
    const now = performance.now();
    this.#times.set(metadata.name, now);
    this.#waiting.get(metadata.name)?.(now);
  }

  /** When the port became Active, in the clock of `performance`. */
  async of(name: string): Promise<number> {
    const known = this.#times.get(name);
    if (known !== undefined) return known;
    let timer: NodeJS.Timeout | undefined;
    const active = new Promise<number>((resolve, reject) => {
      this.#waiting.set(name, resolve);
      timer = setTimeout(() => reject(new Error(`port ${name} is not Active within ${activeMs / 1000} s`)), activeMs);
    });
    try {
      return await active;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#stream?.destroy();
  }
}

/** Ports one after the other: until the answer (saved), and until the forwarder forwards for it. */
export async function measurePorts(appliance: Appliance, vms: Vms, rounds: Rounds, { ports }: Extent): Promise<void> {
  const times = new ActiveTimes();
  await times.open(appliance);
  try {
    for (const type of ['none', 'netns']) {
      const [answers, actives]: [number[], number[]] = [[], []];
      for (let index = 0; index < ports; index += 1) {
        const name = `${type}${index}`;
        const binding = type === 'none' ? { type } : { type, netns: (await vms.add(name)).netns, interface: 'eth0' };
        const begin = performance.now();
        await post(appliance, '/v1/default/ports', portObject(name, binding));
        answers.push(performance.now() - begin);
        actives.push((await times.of(name)) - begin);
      }
      addPortTimes(rounds, type, answers, actives);
    }
  } finally {
    times.close();
  }
}

function addPortTimes(rounds: Rounds, type: string, answers: readonly number[], actives: readonly number[]): void {
  const note = `One port after the other (${answers.length}), from the POST to the API; Active is what a watch of the API tells once the forwarder has the port and its link is up.`;
  const variant = type === 'none' ? 'bound to nothing' : 'bound to a network namespace';
  for (const [name, title, values] of [
    ['port-saved', 'Create a port: until it is saved', answers],
    ['port-active', 'Create a port: until the forwarder forwards for it (Active)', actives],
  ] as const) {
    const figure = { group: 'appliance', case: name, title, variant, contestant: 'weft', better: 'less', note } as const;
    rounds.add({ ...figure, unit: 'ms (p50)' }, percentile(values, 0.5));
    rounds.add({ ...figure, unit: 'ms (p99)' }, percentile(values, 0.99));
  }
}

/** A command from the shell: the start of Node included. */
export async function measureCommand(appliance: Appliance, rounds: Rounds, { commands }: Extent): Promise<void> {
  await appliance.must(['get', 'projects']);
  const note = 'The whole process, from its start to its end.';
  const figure = { group: 'appliance', case: 'command', title: 'Command: weft get projects', contestant: 'weft', note } as const;
  for (let index = 0; index < commands; index += 1) {
    const begin = performance.now();
    await appliance.must(['get', 'projects']);
    rounds.add({ ...figure, unit: 'ms', better: 'less' }, performance.now() - begin);
  }
}
