/** A scenario: virtual machines and the objects that join them, read from a `lab.yaml`. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Checker } from './checker.ts';
import { LabFailure } from './failure.ts';
import { type OutsideMachine, parseOutside } from './outside.ts';

/** An object of the appliance, passed on as it is. */
export interface LabObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly project?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** An interface that the appliance makes in a machine: names a Port or a Trunk, outside an Uplink. Fields beyond these are the Port's spec. */
export interface LabPort {
  readonly kind: 'Port' | 'Trunk' | 'Uplink';
  readonly name: string;
  readonly project: string;
  readonly interface: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

interface Vm {
  readonly name: string;
  readonly hostname: string;
  readonly ports: readonly LabPort[];
  /** Shell commands run in the VM once its ports are Active, one after the other. */
  readonly start: readonly string[];
  /** Text of its first /etc/resolv.conf. */
  readonly resolvConf: string;
}

export interface Scenario {
  readonly name: string;
  readonly vms: readonly Vm[];
  /** What lies beyond uplinks. */
  readonly outside: readonly OutsideMachine[];
  readonly objects: readonly LabObject[];
}

const shipped = join(import.meta.dirname, '..');

/** The scenario that FILE, a folder with a `lab.yaml`, or the NAME of a shipped one names. */
export function readScenario(fileOrName: string): Scenario {
  const file = fileOf(fileOrName);
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'), { maxAliasCount: 100 });
  } catch (error) {
    throw new LabFailure((error as Error).message.split('\n')[0] ?? 'not YAML', file, 'correct the YAML');
  }
  return parseScenario(content, file);
}

function fileOf(fileOrName: string): string {
  for (const path of [fileOrName, join(shipped, fileOrName)]) {
    if (!existsSync(path)) continue;
    const file = statSync(path).isDirectory() ? join(path, 'lab.yaml') : path;
    if (existsSync(file)) return file;
  }
  const names = readdirSync(shipped).filter((name) => existsSync(join(shipped, name, 'lab.yaml')));
  throw new LabFailure('there is no such file or scenario', fileOrName, `name a file, or one of ${names.join(', ')}`);
}

/** Checks a scenario's shape; `where` is its file. What the objects say is the appliance's to check. */
export function parseScenario(content: unknown, where: string): Scenario {
  const check = new Checker(where);
  const top = check.map(content, '');
  check.only(top, '', ['name', 'vms', 'outside', 'objects']);
  const vms = check.list(top.vms, '/vms').map((vm, index) => parseVm(check, vm, `/vms/${index}`));
  const outside = parseOutside(check, top.outside);
  check.unique(
    [...vms, ...outside].map(({ name }) => name),
    outside.length === 0 ? '/vms' : '/vms and /outside',
  );
  const objects = check.list(top.objects ?? [], '/objects').map((object, index) => parseObject(check, object, `/objects/${index}`));
  return { name: check.name(top.name, '/name'), vms, outside, objects };
}

function parseVm(check: Checker, content: unknown, at: string): Vm {
  const vm = check.map(content, at);
  check.only(vm, at, ['name', 'hostname', 'ports', 'start', 'resolvConf']);
  const name = check.name(vm.name, `${at}/name`);
  const hostname = vm.hostname === undefined ? name : check.text(vm.hostname, `${at}/hostname`);
  const ports = check
    .list(vm.ports ?? [], `${at}/ports`)
    .map((port, index) => parsePort(check, port, hostname, index, `${at}/ports/${index}`));
  const start = check.texts(vm.start, `${at}/start`);
  const resolvConf = vm.resolvConf === undefined ? '' : check.text(vm.resolvConf, `${at}/resolvConf`);
  return { name, hostname, ports, start, resolvConf };
}

function parsePort(check: Checker, content: unknown, hostname: string, index: number, at: string): LabPort {
  const { port, trunk, project = 'default', interface: link = `eth${index}`, ...spec } = check.map(content, at);
  if ((port === undefined) === (trunk === undefined)) throw check.failure(at, 'give either "port" or "trunk", the name of the object');
  const kind = port === undefined ? 'Trunk' : 'Port';
  return {
    kind,
    name: check.text(port ?? trunk, `${at}/${kind.toLowerCase()}`),
    project: check.text(project, `${at}/project`),
    interface: check.text(link, `${at}/interface`),
    spec: kind === 'Port' && spec.network !== undefined ? { hostname, ...spec } : spec,
  };
}

function parseObject(check: Checker, content: unknown, at: string): LabObject {
  const object = check.map(content, at);
  const metadata = check.map(object.metadata, `${at}/metadata`);
  check.text(object.kind, `${at}/kind`);
  check.text(metadata.name, `${at}/metadata/name`);
  return object as unknown as LabObject;
}

/** Interfaces that the appliance makes, by machine. */
export function machinePorts({ vms, outside }: Scenario): readonly { readonly machine: string; readonly port: LabPort }[] {
  const uplinks = outside.flatMap(({ name: machine, interfaces }) =>
    interfaces.flatMap((link) => ('uplink' in link ? [{ machine, port: uplinkPort(link.uplink, link.interface) }] : [])),
  );
  return [...vms.flatMap(({ name: machine, ports }) => ports.map((port) => ({ machine, port }))), ...uplinks];
}

/** Of no project: the appliance's. */
function uplinkPort(name: string, link: string): LabPort {
  return { kind: 'Uplink', name, project: '', interface: link, spec: {} };
}

/** The objects to apply: those of the scenario and the machines' ports, bound to the machines' namespaces. */
export function boundObjects(scenario: Scenario, namespace: (machine: string) => string): LabObject[] {
  const objects = [...scenario.objects];
  for (const { machine, port } of machinePorts(scenario)) {
    const { kind, name, project, spec } = port;
    const binding = { type: 'netns', netns: namespace(machine), interface: port.interface };
    const given = objects.findIndex((object) => object.kind === kind && object.metadata.name === name && projectOf(object) === project);
    const base = objects[given] ?? { kind, metadata: { name, ...(project === '' ? {} : { project }) } };
    const bound = { ...base, spec: { ...base.spec, ...spec, binding } };
    if (given < 0) objects.push(bound);
    else objects[given] = bound;
  }
  return objects;
}

function projectOf({ kind, metadata }: LabObject): string {
  return kind === 'Uplink' ? '' : (metadata.project ?? 'default');
}
