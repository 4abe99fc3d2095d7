/** `weft lab up`: machines, objects, start commands; removed again when any of it fails. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeDown } from './down.ts';
import { LabFailure } from './failure.ts';
import type { Instance } from './instance.ts';
import { inMachine, makeMachine, type NewMachine } from './machine.ts';
import { weft } from './program.ts';
import { type LabRecord, logOf, readRecords, type VmRecord, writeRecord } from './record.ts';
import { boundObjects, type LabObject, type LabPort, machinePorts, type Scenario } from './scenario.ts';
import { layCables, setUp } from './wiring.ts';

/** A machine that is to be made, and what is run in it at the end. */
interface Machine extends NewMachine {
  readonly start: readonly string[];
}

/** For all ports to become Active, and for each start command. */
const stepMs = 60_000;
const pollMs = 200;

export async function up(instance: Instance, scenario: Scenario): Promise<LabRecord> {
  if (readRecords(instance).some(({ name }) => name === scenario.name))
    throw new LabFailure('the lab is there already', scenario.name, `remove it with: weft lab down ${scenario.name}`);
  const namespace = (machine: string) => instance.namespace(scenario.name, machine);
  const outside = scenario.outside.map((machine): Machine => ({ ...machine, hostname: machine.name, resolvConf: '' }));
  const machines: readonly Machine[] = [...scenario.vms, ...outside];
  for (const { name } of machines) requireFree(namespace(name));
  const objects = boundObjects(scenario, namespace);
  let record: LabRecord = {
    name: scenario.name,
    state: 'starting',
    vms: machines.map(({ name }) => ({ name, namespace: namespace(name), holder: null })),
    objects: [],
  };
  const save = (change: Partial<LabRecord>) => {
    record = { ...record, ...change };
    writeRecord(instance, record);
  };
  save({});
  try {
    const made = await Promise.allSettled(machines.map((machine) => recordOf(machine, namespace(machine.name))));
    save({ vms: made.map((result) => (result.status === 'fulfilled' ? result.value : raise(result.reason))) });
    await layCables(scenario.outside, namespace);
    save({ objects: await missing(objects) });
    await weft(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    await Promise.all(scenario.outside.map((machine) => setUp(machine, namespace(machine.name))));
    await portsActive(machinePorts(scenario).map(({ port }) => port));
    for (const some of [outside, scenario.vms]) await Promise.all(some.map((machine) => start(instance, record, machine)));
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

async function recordOf(machine: NewMachine, namespace: string): Promise<VmRecord> {
  return { name: machine.name, namespace, holder: await makeMachine(machine, namespace) };
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
          name: project === '' ? name : `${project}/${name}`,
          status: items.find(({ metadata }) => metadata.name === name && (metadata.project ?? '') === project)?.status,
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

async function start(instance: Instance, record: LabRecord, { name, start: commands }: Machine): Promise<void> {
  const machine = record.vms.find((vm) => vm.name === name);
  if (machine === undefined) return;
  for (const command of commands) {
    const log = logOf(instance, record.name, name);
    const code = await runLogged(inMachine(machine, ['sh', '-c', command]), log);
    if (code === 0) continue;
    const tail = readFileSync(log, 'utf8').trim().split('\n').slice(-3).join('; ');
    throw new LabFailure(`"${command}" failed with ${code}: ${tail}`, `machine ${name}`, 'try it by hand with: weft lab exec');
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
