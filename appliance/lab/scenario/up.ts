/** `weft lab up`: machines, objects, start commands; removed again when any of it fails. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeDown } from './down.ts';
import { LabFailure } from './failure.ts';
import type { Instance } from './instance.ts';
import { inMachine, makeMachine } from './machine.ts';
import { weft } from './program.ts';
import { type LabRecord, logOf, readRecords, type VmRecord, writeRecord } from './record.ts';
import { boundObjects, type LabObject, type LabPort, type Scenario, type Vm } from './scenario.ts';

/** For all ports to become Active, and for each start command. */
const stepMs = 60_000;
const pollMs = 200;

export async function up(instance: Instance, scenario: Scenario): Promise<LabRecord> {
  if (readRecords(instance).some(({ name }) => name === scenario.name))
    throw new LabFailure('the lab is there already', scenario.name, `remove it with: weft lab down ${scenario.name}`);
  const namespace = (vm: string) => instance.namespace(scenario.name, vm);
  for (const vm of scenario.vms) requireFree(namespace(vm.name));
  const objects = boundObjects(scenario, namespace);
  let record: LabRecord = {
    name: scenario.name,
    state: 'starting',
    vms: scenario.vms.map(({ name }) => ({ name, namespace: namespace(name), holder: null })),
    objects: [],
  };
  const save = (change: Partial<LabRecord>) => {
    record = { ...record, ...change };
    writeRecord(instance, record);
  };
  save({});
  try {
    const made = await Promise.allSettled(scenario.vms.map((vm) => machineOf(vm, namespace(vm.name))));
    save({ vms: made.map((result) => (result.status === 'fulfilled' ? result.value : raise(result.reason))) });
    save({ objects: await missing(objects) });
    await weft(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    await portsActive(scenario.vms.flatMap(({ ports }) => ports));
    await Promise.all(scenario.vms.map((vm) => start(instance, record, vm)));
    save({ state: 'up' });
    return record;
  } catch (error) {
    await takeDown(instance, record).catch(() => undefined);
    throw error;
  }
}

function requireFree(namespace: string): void {
  if (existsSync(`/run/netns/${namespace}`))
    throw new LabFailure('there is a namespace of that name already', namespace, `remove it with: ip netns delete ${namespace}`);
}

function raise(error: unknown): never {
  throw error;
}

async function machineOf(vm: Vm, namespace: string): Promise<VmRecord> {
  return { name: vm.name, namespace, holder: await makeMachine(vm, namespace) };
}

/** Those objects that are not there yet: only what the lab made is the lab's to delete. */
async function missing(objects: readonly LabObject[]): Promise<LabRecord['objects']> {
  const wanted: LabRecord['objects'][number][] = [];
  for (const kind of new Set(objects.map((object) => object.kind))) {
    const { items } = await list(kind);
    const there = new Set(items.map(({ metadata }) => `${metadata.project ?? ''}/${metadata.name}`));
    for (const { metadata } of objects.filter((object) => object.kind === kind))
      if (!there.has(`${metadata.project ?? 'default'}/${metadata.name}`) && !there.has(`/${metadata.name}`))
        wanted.push({ kind, metadata });
  }
  return wanted;
}

type Listed = LabObject & { readonly status?: { readonly phase?: string; readonly reason?: string } };

async function list(kind: string): Promise<{ items: readonly Listed[] }> {
  return JSON.parse(await weft(['get', kind, '-A', '-o', 'json'])) as { items: readonly Listed[] };
}

/** Waits until each port is Active, by looking at all of a kind at once. */
async function portsActive(ports: readonly LabPort[]): Promise<void> {
  const until = Date.now() + stepMs;
  for (const kind of new Set(ports.map((port) => port.kind))) {
    for (;;) {
      const { items } = await list(kind);
      const states = ports
        .filter((port) => port.kind === kind)
        .map(({ name, project }) => ({
          name: `${project}/${name}`,
          status: items.find(({ metadata }) => metadata.name === name && metadata.project === project)?.status,
        }));
      const late = states.find(({ status }) => status?.phase !== 'Active');
      if (late === undefined) break;
      const state = [late.status?.phase ?? 'gone', late.status?.reason].filter(Boolean).join(', ');
      if (Date.now() > until)
        throw new LabFailure(`${kind} ${late.name} is not Active after ${stepMs / 1000} s`, state, 'see: weft status', 3);
      await sleep(pollMs);
    }
  }
}

async function start(instance: Instance, record: LabRecord, vm: Vm): Promise<void> {
  const machine = record.vms.find(({ name }) => name === vm.name);
  if (machine === undefined) return;
  for (const command of vm.start) {
    const log = logOf(instance, record.name, vm.name);
    const code = await runLogged(inMachine(machine, ['sh', '-c', command]), log);
    if (code === 0) continue;
    const tail = readFileSync(log, 'utf8').trim().split('\n').slice(-3).join('; ');
    throw new LabFailure(`"${command}" failed with ${code}: ${tail}`, `machine ${vm.name}`, 'try it by hand with: weft lab exec');
  }
}

/** Output goes to a file, not a pipe: what the command leaves running must not keep us waiting. */
async function runLogged([program, ...args]: [string, ...string[]], log: string): Promise<number | string> {
  const output = openSync(log, 'a', 0o644);
  const child = spawn(program, args, { stdio: ['ignore', output, output], cwd: '/', timeout: stepMs });
  closeSync(output);
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 1));
  });
}
