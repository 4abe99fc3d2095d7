/** A scenario: virtual machines and the objects that join them, read from a `lab.yaml`. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { LabFailure } from './failure.ts';

/** An object of the appliance, passed on as it is. */
export interface LabObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly project?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** An interface of a VM: names a Port or a Trunk. Fields beyond these are the Port's spec. */
export interface LabPort {
  readonly kind: 'Port' | 'Trunk';
  readonly name: string;
  readonly project: string;
  readonly interface: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface Vm {
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
  readonly objects: readonly LabObject[];
}

const shipped = join(import.meta.dirname, '..');
const namePattern = /^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/;

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
  check.only(top, '', ['name', 'vms', 'objects']);
  const vms = check.list(top.vms, '/vms').map((vm, index) => parseVm(check, vm, `/vms/${index}`));
  check.unique(
    vms.map(({ name }) => name),
    '/vms',
  );
  const objects = check.list(top.objects ?? [], '/objects').map((object, index) => parseObject(check, object, `/objects/${index}`));
  return { name: check.name(top.name, '/name'), vms, objects };
}

function parseVm(check: Checker, content: unknown, at: string): Vm {
  const vm = check.map(content, at);
  check.only(vm, at, ['name', 'hostname', 'ports', 'start', 'resolvConf']);
  const name = check.name(vm.name, `${at}/name`);
  const hostname = vm.hostname === undefined ? name : check.text(vm.hostname, `${at}/hostname`);
  const ports = check
    .list(vm.ports ?? [], `${at}/ports`)
    .map((port, index) => parsePort(check, port, hostname, index, `${at}/ports/${index}`));
  const start = check.list(vm.start ?? [], `${at}/start`).map((command, index) => check.text(command, `${at}/start/${index}`));
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

/** The objects to apply: those of the scenario and the VMs' ports, bound to the VMs' namespaces. */
export function boundObjects(scenario: Scenario, namespace: (vm: string) => string): LabObject[] {
  const objects = [...scenario.objects];
  for (const vm of scenario.vms)
    for (const { kind, name, project, spec, interface: link } of vm.ports) {
      const binding = { type: 'netns', netns: namespace(vm.name), interface: link };
      const given = objects.findIndex(
        (object) => object.kind === kind && object.metadata.name === name && (object.metadata.project ?? 'default') === project,
      );
      const base = objects[given] ?? { kind, metadata: { name, project } };
      const bound = { ...base, spec: { ...base.spec, ...spec, binding } };
      if (given < 0) objects.push(bound);
      else objects[given] = bound;
    }
  return objects;
}

/** Checks values of a scenario; failures name the file and the place. */
class Checker {
  readonly #file: string;
  constructor(file: string) {
    this.#file = file;
  }

  failure(at: string, fix: string, what = 'the scenario is not as it must be'): LabFailure {
    return new LabFailure(what, `${this.#file} ${at}`.trim(), fix);
  }

  map(value: unknown, at: string): Record<string, unknown> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.failure(at, 'write a map of fields');
  }

  list(value: unknown, at: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    throw this.failure(at, 'write a list');
  }

  text(value: unknown, at: string): string {
    if (typeof value === 'string' && value !== '') return value;
    throw this.failure(at, 'write a text');
  }

  name(value: unknown, at: string): string {
    if (typeof value === 'string' && namePattern.test(value)) return value;
    throw this.failure(at, 'use at most 24 lower-case letters, digits and hyphens');
  }

  only(map: Record<string, unknown>, at: string, known: readonly string[]): void {
    const unknown = Object.keys(map).find((key) => !known.includes(key));
    if (unknown !== undefined) throw this.failure(`${at}/${unknown}`, `fields are: ${known.join(', ')}`, `there is no field "${unknown}"`);
  }

  unique(names: readonly string[], at: string): void {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw this.failure(at, 'give each its own name', `"${twice}" is there twice`);
  }
}
