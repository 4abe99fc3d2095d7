/** Counts the instructions of one case of bench-count with callgrind, function by function; inlined functions count for themselves. */
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const room = { maxBuffer: 1 << 26 };

/** What one case costs. */
export interface Count {
  readonly case: string;
  readonly title: string;
  /** Destinations that frames go to. */
  readonly size: number;
  /** Per packet. */
  readonly instructions: number;
  /** Per packet, by function, dearest first. */
  readonly functions: ReadonlyMap<string, number>;
}

/** Instructions at an address, relative to the start of its object. */
interface Cost {
  readonly object: string;
  /** As callgrind names it: the function that the compiler left, others inlined. */
  readonly symbol: string;
  readonly address: string;
  readonly instructions: number;
}

/** Reads a dump with `positions: instr line`, neither strings nor positions compressed. Throws when its sum is not its total. */
export function readDump(text: string): Cost[] {
  const costs: Cost[] = [];
  let object = '';
  let symbol = '';
  let total = Number.NaN;
  let called = false;
  for (const line of text.split('\n')) {
    const cost = /^(0x[0-9a-f]+) \d+ (\d+)$/.exec(line);
    // What a call costs inside stands with the function called, too.
    if (cost !== null && !called) costs.push({ object, symbol, address: cost[1] ?? '', instructions: Number(cost[2]) });
    called = line.startsWith('calls=');
    if (line.startsWith('ob=')) object = line.slice(3);
    if (line.startsWith('fn=')) symbol = line.slice(3);
    if (line.startsWith('totals: ')) total = Number(line.slice(8));
  }
  const sum = costs.reduce((before, cost) => before + cost.instructions, 0);
  if (sum === 0 || sum !== total)
    throw new Error(`callgrind counted ${total} instructions, its lines say ${sum}: the dump is not understood`);
  return costs;
}

/** A function's name without what the compiler adds: walk.constprop.0 is walk. */
export function plainName(symbol: string): string {
  return symbol.replace(/(\.(constprop|isra|part|lto_priv|cold)(\.\d+)?)+$/, '').replace(/'\d+$/, '');
}

/** Innermost functions at addresses of a program, by its debug information. */
async function functionsAt(program: string, addresses: readonly string[]): Promise<Map<string, string>> {
  const child = run('addr2line', ['-f', '-e', program], room);
  child.child.stdin?.end(addresses.join('\n'));
  const lines = (await child).stdout.split('\n');
  return new Map(addresses.map((address, i) => [address, plainName(lines[2 * i] ?? '??')]));
}

/** Instructions by function; those of shared objects have their symbol, or the object's name. */
async function byFunction(program: string, costs: readonly Cost[]): Promise<Map<string, number>> {
  const own = await functionsAt(program, [...new Set(costs.filter((cost) => cost.object === program).map((cost) => cost.address))]);
  const sums = new Map<string, number>();
  for (const { object, symbol, address, instructions } of costs) {
    const foreign = symbol.startsWith('0x') || symbol === '???' ? basename(object) : plainName(symbol);
    const name = object === program ? (own.get(address) ?? symbol) : foreign;
    sums.set(name, (sums.get(name) ?? 0) + instructions);
  }
  return sums;
}

/** Counts one case. Environment and file names are the same everywhere: they lie in the program's memory. */
export async function countCase(program: string, name: string, folder: string): Promise<Count> {
  const dump = join(folder, `${name}.callgrind`);
  const { stdout } = await run(
    'valgrind',
    [
      '-q',
      '--vgdb=no',
      '--tool=callgrind',
      '--instr-atstart=no',
      '--collect-atstart=no',
      '--toggle-collect=count_walk',
      '--toggle-collect=count_sink*',
      '--dump-instr=yes',
      '--compress-strings=no',
      '--compress-pos=no',
      `--callgrind-out-file=${dump}`,
      program,
      name,
    ],
    { ...room, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } },
  );
  const said = JSON.parse(stdout) as { title: string; size: number; packets: number };
  const costs = readDump(await readFile(dump, 'utf8'));
  await rm(dump);
  const sums = await byFunction(program, costs);
  const perPacket = [...sums].map(([fn, sum]): [string, number] => [fn, sum / said.packets]).sort((a, b) => b[1] - a[1]);
  return {
    case: name,
    title: said.title,
    size: said.size,
    instructions: costs.reduce((sum, cost) => sum + cost.instructions, 0) / said.packets,
    functions: new Map(perPacket),
  };
}
