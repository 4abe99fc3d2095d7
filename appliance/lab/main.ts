/** The lab's program: `weft lab up|exec|list|down`. Talks to the appliance only through `weft`. */
import { existsSync } from 'node:fs';
import { takeDown } from './scenario/down.ts';
import { LabFailure } from './scenario/failure.ts';
import { type Instance, instanceOf } from './scenario/instance.ts';
import { inMachine } from './scenario/machine.ts';
import { WeftRefused } from './scenario/program.ts';
import { readRecords, type VmRecord } from './scenario/record.ts';
import { readScenario } from './scenario/scenario.ts';
import { up } from './scenario/up.ts';

const usage = `Usage: weft lab up FILE|NAME      make the machines and objects of a scenario
       weft lab exec VM -- CMD…   run a command in a machine (LAB/VM when two labs have a VM of that name)
       weft lab list              labs and their machines
       weft lab down [NAME]       remove a lab, all of them without a name
`;

function wrongUsage(what: string, where: string): LabFailure {
  return new LabFailure(what, where, 'see: weft lab --help', 2);
}

function requireHost(): void {
  if (process.getuid?.() !== 0) throw new LabFailure('namespaces can only be made by root', 'weft lab', 'run it with sudo');
  for (const [program, packageName] of [
    ['ip', 'iproute2'],
    ['nsenter', 'util-linux'],
  ] as const)
    if (!(process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/${program}`)))
      throw new LabFailure(`the program "${program}" is missing`, 'PATH', `install it with: apt-get install ${packageName}`);
}

async function labUp(instance: Instance, args: readonly string[]): Promise<void> {
  const [scenario, ...rest] = args;
  if (scenario === undefined || rest.length > 0) throw wrongUsage('it takes one FILE or NAME', 'weft lab up');
  requireHost();
  const { name, vms } = await up(instance, readScenario(scenario));
  console.log(`lab ${name} is up: ${vms.map((vm) => vm.name).join(', ')}`);
  const [first] = vms;
  if (first !== undefined) console.log(`try: weft lab exec ${first.name} -- ip address`);
}

function labExec(instance: Instance, args: readonly string[]): void {
  const [name, ...rest] = args;
  const command = rest[0] === '--' ? rest.slice(1) : rest;
  if (name === undefined || command.length === 0) throw wrongUsage('it takes a VM and a command', 'weft lab exec');
  requireHost();
  const [program, ...programArgs] = inMachine(findMachine(instance, name), command);
  const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  // Becomes the command: exit code, signals and terminal are its own.
  process.execve?.('/usr/bin/env', ['env', program, ...programArgs], env);
}

function findMachine(instance: Instance, name: string): VmRecord {
  const machines = readRecords(instance).flatMap((lab) => lab.vms.map((vm) => ({ vm, path: `${lab.name}/${vm.name}` })));
  const found = machines.filter(({ vm, path }) => vm.name === name || path === name);
  const [first] = found;
  if (first === undefined) {
    const known = machines.map(({ path }) => path).join(', ');
    throw new LabFailure('there is no such machine', name, known === '' ? 'make a lab with: weft lab up NAME' : `machines are: ${known}`);
  }
  if (found.length > 1)
    throw new LabFailure('several labs have a machine of that name', name, `use one of ${found.map(({ path }) => path).join(', ')}`);
  return first.vm;
}

function labList(instance: Instance): void {
  const rows = readRecords(instance).flatMap((lab) => lab.vms.map((vm) => [lab.name, lab.state, vm.name, vm.namespace]));
  const table = [['LAB', 'STATE', 'VM', 'NAMESPACE'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) console.log(row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  '));
}

async function labDown(instance: Instance, args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
  if (rest.length > 0) throw wrongUsage('it takes one NAME at most', 'weft lab down');
  requireHost();
  const records = readRecords(instance).filter((record) => name === undefined || record.name === name);
  if (name !== undefined && records.length === 0) throw new LabFailure('there is no such lab', name, 'see: weft lab list');
  for (const record of records) {
    await takeDown(instance, record);
    console.log(`lab ${record.name} is removed`);
  }
}

async function main([verb, ...args]: readonly string[]): Promise<void> {
  const instance = instanceOf(process.env.WEFT_API);
  switch (verb) {
    case 'up':
      return await labUp(instance, args);
    case 'exec':
      return labExec(instance, args);
    case 'list':
      return labList(instance);
    case 'down':
      return await labDown(instance, args);
    case '--help':
    case '-h':
      return void process.stdout.write(usage);
    default:
      throw wrongUsage(verb === undefined ? 'it takes a verb' : `there is no verb "${verb}"`, 'weft lab');
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof WeftRefused) console.error(error.message);
  else if (error instanceof LabFailure) console.error(error.message);
  else
    console.error(
      `error: ${error instanceof Error ? error.message : String(error)} (weft lab): this is a defect of Weft: please report it`,
    );
  process.exitCode = error instanceof LabFailure ? error.exitCode : 1;
}
