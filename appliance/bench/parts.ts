/** The parts of a run, in order: each is a program that measures on its own and writes its figures where `--json` says. */

export interface Part {
  readonly name: string;
  /** What it measures, for who watches. */
  readonly about: string;
  /** Made before the first part runs: targets of `make -C forwarder`. */
  readonly targets: readonly string[];
  /** Run at the top of the tree; `node` is the one that runs the bench. */
  readonly command: readonly string[];
  /** It counts what is the same every time: it knows no --quick and no --rounds, but writes profiles where --profile says. */
  readonly counts?: true;
  /** What it may take, in seconds; history.ts knows better after the first run. */
  readonly seconds: { readonly full: number; readonly quick: number };
}

export const parts: readonly Part[] = [
  {
    name: 'packets',
    about: 'forwarding beside testpmd and OVS-DPDK on the same load; latency',
    targets: ['all', 'load'],
    command: ['node', 'forwarder/bench/packets/main.ts'],
    seconds: { full: 700, quick: 150 },
  },
  {
    name: 'walk',
    about: 'the walk of a packet in memory',
    targets: ['build/bench-walk'],
    command: ['forwarder/build/bench-walk'],
    seconds: { full: 40, quick: 10 },
  },
  {
    name: 'instructions',
    about: 'instructions per packet, by callgrind',
    targets: ['build/bench-count'],
    command: ['node', 'forwarder/bench/walk/instructions.ts'],
    counts: true,
    seconds: { full: 15, quick: 10 },
  },
  {
    name: 'rates',
    about: 'rows, ports, punts, injected packets, memory of tables, start',
    targets: ['all', 'load'],
    command: ['node', 'forwarder/bench/rates/main.ts'],
    seconds: { full: 200, quick: 10 },
  },
  {
    name: 'appliance',
    about: 'start, memory, idle cost of the whole appliance',
    targets: ['all'],
    command: ['node', 'appliance/bench/appliance.ts'],
    seconds: { full: 160, quick: 40 },
  },
  {
    name: 'services',
    about: 'DHCP, DNS and metadata under load, and beside a VM that floods',
    targets: ['all'],
    command: ['node', 'appliance/bench/services.ts'],
    seconds: { full: 400, quick: 55 },
  },
  {
    name: 'api',
    about: 'requests and events of the API beside etcd',
    targets: [],
    command: ['node', 'kernel/bench/api.ts'],
    seconds: { full: 80, quick: 15 },
  },
  {
    name: 'store',
    about: 'writes and reads of the store beside etcd',
    targets: [],
    command: ['node', 'kernel/bench/store.ts'],
    seconds: { full: 60, quick: 10 },
  },
];

/** The parts that `only` names (`packets,api`), or all. Throws an Error that lists what there is. */
export function chosenParts(only: string | undefined): readonly Part[] {
  if (only === undefined) return parts;
  const wanted = only.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !parts.some((part) => part.name === name));
  if (unknown !== undefined) throw new Error(`there is no part "${unknown}": choose from ${parts.map(({ name }) => name).join(', ')}`);
  return parts.filter((part) => wanted.includes(part.name));
}
