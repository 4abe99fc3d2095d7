/** The thread that reads large bodies. */
import { workerData } from 'piscina';
import { toWeftError } from '../../contract/system/index.ts';
import { Registry } from '../registry/index.ts';
import { type ParseOutcome, type ParseTask, type ParseWorkerData, parseApplyBody } from './parse.ts';

const { plugins, orphans } = workerData as ParseWorkerData;
const registry = new Registry(plugins);
registry.orphans = orphans;

export default function parse(task: ParseTask): ParseOutcome {
  try {
    return { body: parseApplyBody(registry, task) };
  } catch (thrown) {
    return { error: toWeftError(thrown) };
  }
}
