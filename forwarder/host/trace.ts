/** `ports.trace`: libforwarder's steps in words: names of verdicts, drop reasons, plugins and punt classes, rows as objects. */
import { type PuntClassRow, type Row, readRows, servicePortOwner, type TableName, type TraceStep, tables } from '@weft/kernel/contract/net';
import { type Forwarder, readFlow, stepKinds, type TracedStep, verdicts } from '../binding/index.ts';
import { flowInWords } from './flows.ts';

type Library = Pick<Forwarder, 'trace' | 'dropName' | 'dropSentence' | 'rowsRead'>;

const verdictNames = new Map<number, string>(Object.entries(verdicts).map(([name, number]) => [number, name.toLowerCase()]));
const tableNames = new Map(Object.entries(tables).map(([name, { number }]) => [number, name as TableName]));

/** `pluginOf`: the plugin with an owner number. */
export function traceSteps(library: Library, port: number, frame: Buffer, pluginOf: (owner: number) => string): TraceStep[] {
  return library.trace(port, frame).flatMap((step) => inWords(step, library, pluginOf) ?? []);
}

function inWords(step: TracedStep, library: Library, pluginOf: (owner: number) => string): TraceStep | undefined {
  const { kind, value, data } = step;
  if (kind === stepKinds.STAGE)
    return { kind: 'stage', stage: data.toString(), verdict: verdictNames.get(value) ?? library.dropName(value) };
  if (kind === stepKinds.ROW) return rowStep(value, data);
  if (kind === stepKinds.SENT) return sentStep(step.port, data, pluginOf);
  if (kind === stepKinds.DROPPED)
    return { kind: 'dropped', reason: library.dropName(value), sentence: library.dropSentence(value), frame: data };
  if (kind === stepKinds.PUNTED) return { kind: 'punted', ...receiverOf(value, library, pluginOf), frame: data };
  if (kind === stepKinds.MADE) return { kind: 'made', frame: data };
  if (kind === stepKinds.FLOW) return { kind: 'flow', flow: flowInWords(readFlow(data, 0), library) };
  const table = tableNames.get(value);
  return table === undefined ? undefined : { kind: 'learned', table };
}

function sentStep(port: number, frame: Buffer, pluginOf: (owner: number) => string): TraceStep {
  const owner = servicePortOwner(port);
  return owner === undefined ? { kind: 'sent', port, frame } : { kind: 'served', plugin: pluginOf(owner), frame };
}

function rowStep(number: number, bytes: Buffer): TraceStep | undefined {
  const table = tableNames.get(number);
  const row: Row | undefined = table === undefined ? undefined : readRows(table, bytes)[0];
  return row === undefined ? undefined : { kind: 'row', row };
}

function receiverOf(id: number, library: Library, pluginOf: (owner: number) => string): { plugin: string; puntClass: string } {
  const classes = readRows('punt_class', library.rowsRead(0, 'punt_class')) as PuntClassRow[];
  const row = classes.find((candidate) => candidate.id === id);
  return { plugin: row === undefined ? '' : pluginOf(row.receiver), puntClass: row?.name ?? '' };
}
