/** The thread that reads large bodies. */
import { workerData } from 'piscina';
import { toWeftError } from '../../contract/system/index.ts';
import { type FoundPlugin, Registry } from '../registry/index.ts';
import { type ParseOutcome, type ParseTask, parseApplyBody } from './parse.ts';

const registry = new Registry(workerData as FoundPlugin[]);

export default function parse(task: ParseTask): ParseOutcome {
  try {
    return { body: parseApplyBody(registry, task) };
  } catch (thrown) {
    return { error: toWeftError(thrown) };
  }
}
