/** `weft lab down`: removes what a lab made, whatever state it was left in. */
import type { Instance } from './instance.ts';
import { endProcesses, removeMachine } from './machine.ts';
import { weft } from './program.ts';
import { type LabRecord, removeLogs, removeRecord, writeRecord } from './record.ts';

/** Objects first, so that the appliance lets go of the machines' interfaces; machines even when it does not answer. */
export async function takeDown(instance: Instance, record: LabRecord): Promise<void> {
  await Promise.all(record.vms.map(({ namespace }) => endProcesses(namespace)));
  const kept = await deleteObjects(record).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  await Promise.all(record.vms.map(({ namespace }) => removeMachine(namespace)));
  removeLogs(instance, record);
  if (kept === undefined) return removeRecord(instance, record);
  writeRecord(instance, { ...record, vms: [] });
  throw kept.error;
}

async function deleteObjects({ objects }: LabRecord): Promise<void> {
  if (objects.length === 0) return;
  await weft(['delete', '-f', '-', '--ignore-missing'], objects.map((object) => JSON.stringify(object)).join('\n---\n'));
}
