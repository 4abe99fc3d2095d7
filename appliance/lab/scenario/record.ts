/** What a lab has made, kept in `/run/weft-lab/NAME.json` so that it can be removed after any crash. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Instance } from './instance.ts';
import type { LabObject } from './scenario.ts';

export interface VmRecord {
  readonly name: string;
  readonly namespace: string;
  /** The process that keeps the VM's own mounts and hostname; null until it runs. */
  readonly holder: number | null;
}

export interface LabRecord {
  readonly name: string;
  readonly state: 'starting' | 'up';
  readonly vms: readonly VmRecord[];
  /** Objects to delete, in no order. */
  readonly objects: readonly Pick<LabObject, 'kind' | 'metadata'>[];
}

function fileOf(instance: Instance, lab: string): string {
  return join(instance.runDir, `${lab}.json`);
}

/** Log of a VM's start commands. */
export function logOf(instance: Instance, lab: string, vm: string): string {
  return join(instance.runDir, `${lab}.${vm}.log`);
}

export function writeRecord(instance: Instance, record: LabRecord): void {
  mkdirSync(instance.runDir, { recursive: true });
  const file = fileOf(instance, record.name);
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** All labs of the appliance that have a record, by name. */
export function readRecords(instance: Instance): LabRecord[] {
  let names: string[];
  try {
    names = readdirSync(instance.runDir);
  } catch {
    return [];
  }
  const files = names.filter((name) => name.endsWith('.json')).sort();
  return files.map((name) => JSON.parse(readFileSync(join(instance.runDir, name), 'utf8')) as LabRecord);
}

/** Removes the record of a lab, and the folder with the last one. */
export function removeRecord(instance: Instance, record: LabRecord): void {
  rmSync(fileOf(instance, record.name), { force: true });
  if (readdirSync(instance.runDir).length === 0) rmdirSync(instance.runDir);
}

/** Removes the logs of the VMs of a lab. */
export function removeLogs(instance: Instance, record: LabRecord): void {
  for (const vm of record.vms) rmSync(logOf(instance, record.name, vm.name), { force: true });
}
