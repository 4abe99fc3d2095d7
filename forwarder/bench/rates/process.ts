/** A process that does one job of the rates, mostly as a forwarder of its own, and answers with figures. Started by rates-spawn.ts, which ends it. */
import type { HopOutput, HopTarget } from './hop.ts';
import type { IdleInput } from './idle-job.ts';
import type { InjectsInput, InjectsOutput } from './injects-job.ts';
import type { MemoryInput, MemoryOutput } from './memory-job.ts';
import type { PortsInput, PortsOutput } from './ports-job.ts';
import type { PuntsInput, PuntsOutput } from './punts-job.ts';
import type { ProgrammingInput, ProgrammingOutput, RowsInput, RowsOutput } from './rows-job.ts';
import type { Answer, Message } from './spawn.ts';
import type { StartInput, StartOutput } from './start-job.ts';

/** What each job takes and gives. */
export interface Jobs {
  readonly rows: { readonly input: RowsInput; readonly output: RowsOutput };
  readonly programming: { readonly input: ProgrammingInput; readonly output: ProgrammingOutput };
  readonly ports: { readonly input: PortsInput; readonly output: PortsOutput };
  readonly punts: { readonly input: PuntsInput; readonly output: PuntsOutput };
  readonly injects: { readonly input: InjectsInput; readonly output: InjectsOutput };
  readonly hop: { readonly input: HopTarget; readonly output: HopOutput };
  readonly memory: { readonly input: MemoryInput; readonly output: MemoryOutput };
  readonly start: { readonly input: StartInput; readonly output: StartOutput };
  /** Answers when both ports are up and forwards until it is ended. */
  readonly idle: { readonly input: IdleInput; readonly output: null };
}

export type JobName = keyof Jobs;

/** What a job knows besides its input. */
export type Context = Pick<Message, 'linkTag' | 'counters' | 'packetCpu' | 'spawned'>;

type Work<N extends JobName> = (context: Context, input: Jobs[N]['input']) => Promise<Jobs[N]['output']>;

// Each loads what it needs only: the time until packets flow is one of the figures.
const jobs: { readonly [N in JobName]: () => Promise<Work<N>> } = {
  rows: async () => (await import('./rows-job.ts')).rows,
  programming: async () => (await import('./rows-job.ts')).programming,
  ports: async () => (await import('./ports-job.ts')).ports,
  punts: async () => (await import('./punts-job.ts')).punts,
  injects: async () => (await import('./injects-job.ts')).injects,
  hop: async () => {
    const { hop } = await import('./hop.ts');
    return (_context, target) => hop(target);
  },
  memory: async () => (await import('./memory-job.ts')).memory,
  start: async () => (await import('./start-job.ts')).start,
  idle: async () => (await import('./idle-job.ts')).idle,
};

async function answerTo(message: Message): Promise<Answer> {
  try {
    const work = (await jobs[message.job as JobName]()) as Work<JobName>;
    return { output: await work(message, message.input as never) };
  } catch (thrown) {
    return { error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
  }
}

// The parent gone, nobody would end it.
process.once('disconnect', () => process.exit(1));
process.once('message', (message: Message) => {
  void answerTo(message).then((answer) => process.send?.(answer));
});
