/** While a hostile plugin floods whatever it can reach, the 99th percentile of what others wait is at most twice that of calm; rounds of both take turns. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { type Appliance, until } from '../../run/appliance.ts';
import { Vms } from '../../run/vms.ts';
import { hostileAppliance, operation } from '../hostile-plugin.ts';

const floods = ['requests', 'refusals', 'writes', 'malformed', 'rows', 'readings', 'injects', 'spin'];
const rounds = 3;
const roundMs = 1_000;
/** Below this, twice as long is noise of the clock and the scheduler. */
const noiseMs = 2;

const dns = 'answer of dns';
/** One in fifty answers to queries that come one by one takes a second, flood or not: that hides what a flood does to the last two percent. */
const dnsPart = 0.95;

type Measure = () => Promise<number[]>;
type Waits = Map<string, number[]>;

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms; measures: ReadonlyMap<string, Measure>; remove: () => void }>;

/** Time of each request, ms, for `roundMs`, one after the other over one connection. */
function requests(appliance: Appliance, method: string, path: string, input?: (n: number) => object): Measure {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const once = (body: string | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const asked = request({ agent, socketPath: appliance.api.replace('unix:', ''), method, path, headers }, (response) => {
        response.resume();
        response.once('end', () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`${method} ${path}: ${response.statusCode}`)),
        );
      });
      asked.once('error', reject);
      asked.end(body);
    });
  let n = 0;
  return async () => {
    const times: number[] = [];
    for (const end = performance.now() + roundMs; performance.now() < end; ) {
      const body = input === undefined ? undefined : JSON.stringify(input(n++));
      const began = performance.now();
      await once(body);
      times.push(performance.now() - began);
    }
    return times;
  };
}

/** Times of answers of the plugin dns to a VM, ms. */
function queries(vms: Vms, file: string): Measure {
  return async () => {
    const { stdout } = await vms.exec('a', ['dig', '-u', '+tries=1', '+time=2', '@10.1.0.1', '-f', file]);
    return [...stdout.matchAll(/^;; Query time: (\d+) usec/gm)].map(([, time]) => Number(time) / 1_000);
  };
}

/** `part`: 0 to 1. */
function percentile(times: readonly number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

async function measureAll(measures: ReadonlyMap<string, Measure>, waits: Waits): Promise<void> {
  for (const [name, measure] of measures) waits.set(name, [...(waits.get(name) ?? []), ...(await measure())]);
}

async function begin(appliance: Appliance, name: string): Promise<boolean> {
  const begun = await until(() => operation(appliance, 'hostile.flood', { name, ms: 60_000 }).catch(() => undefined), 15_000);
  return begun !== undefined;
}

/** Ends whatever it is at; it starts anew, and is forgiven. */
async function calm(appliance: Appliance): Promise<void> {
  const hostile = (await appliance.processes()).find(({ name }) => name === 'hostile');
  if (hostile !== undefined) process.kill(hostile.pid, 'SIGKILL');
  await appliance.must(['plugin', 'restart', 'hostile']);
  await until(async () => (await appliance.processes()).some(({ name, pid }) => name === 'hostile' && pid !== hostile?.pid), 15_000);
}

test.before(async (t) => {
  const appliance = hostileAppliance();
  const vms = new Vms('hsl');
  await appliance.start();
  const red = { kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }], domain: 'red.example' } };
  const shop = { kind: 'Project', metadata: { name: 'shop' }, spec: {} };
  await appliance.apply([red, shop]);
  await vms.join(appliance, { vm: 'a', project: 'default', network: 'red', address: '10.1.0.11' }, '10.1.0.1');
  const folder = mkdtempSync(join(tmpdir(), 'weft-queries-'));
  const file = join(folder, 'names');
  writeFileSync(file, 'a.red.example A\n'.repeat(150));
  const labelled = (object: typeof red | typeof shop) => (n: number) => ({
    ...object,
    metadata: { ...object.metadata, labels: { n: `${n}` } },
  });
  const measures = new Map<string, Measure>([
    ['read of ports', requests(appliance, 'GET', '/v1/default/ports')],
    ['write of a project', requests(appliance, 'PUT', '/v1/projects/shop', labelled(shop))],
    ['write admitted by network', requests(appliance, 'PUT', '/v1/default/virtual-networks/red', labelled(red))],
    [dns, queries(vms, file)],
  ]);
  Object.assign(t.context, { appliance, vms, measures, remove: () => rmSync(folder, { recursive: true }) });
  await measureAll(measures, new Map());
});

test.after.always(async (t) => {
  t.context.remove();
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

for (const flood of floods) {
  test.serial(`while a plugin floods with ${flood}, nobody waits twice as long`, async (t) => {
    const { appliance, measures } = t.context;
    const [without, during]: [Waits, Waits] = [new Map(), new Map()];
    for (let round = 0; round < rounds; round++) {
      await measureAll(measures, without);
      t.true(await begin(appliance, flood), 'the flood began');
      await measureAll(measures, during);
      await calm(appliance);
    }
    for (const name of measures.keys()) {
      const [a, b] = [without.get(name) ?? [], during.get(name) ?? []];
      const part = name === dns ? dnsPart : 0.99;
      const [calmly, flooded] = [percentile(a, part), percentile(b, part)];
      const figures = `${name}: p${100 * part} ${calmly.toFixed(1)} → ${flooded.toFixed(1)} ms`;
      const medians = `median ${percentile(a, 0.5).toFixed(1)} → ${percentile(b, 0.5).toFixed(1)} ms`;
      t.log(
        `${figures}, ${medians}, most ${Math.max(...a).toFixed(1)} → ${Math.max(...b).toFixed(1)} ms (${a.length} and ${b.length} of them)`,
      );
      t.true(flooded <= Math.max(2 * calmly, calmly + noiseMs), figures);
    }
  });
}
