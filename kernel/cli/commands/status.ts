/** `weft status`: how Weft is, on one screen. Exit 0: healthy. */
import type { Command } from 'commander';
import { answerOption, renderOne } from '../answers.ts';
import { type Trial, trialsOf } from '../changes.ts';
import { CommandFailure, exitCodes } from '../errors.ts';
import { cell, paint, Table } from '../output.ts';
import type { ProcessState, StatusReport } from '../report.ts';
import type { Session } from '../session.ts';

export function addStatus(program: Command, session: Session): void {
  program
    .command('status')
    .description('show how Weft is; exit 0: healthy')
    .addOption(answerOption(['table', 'json', 'yaml']))
    .action(async (options: { output: string }) => {
      const report = await session.client.json<StatusReport>('/v1/status');
      const trials = options.output === 'table' ? await trialsSeen(session) : [];
      session.io.out(renderOne(report, options.output, () => formatStatus(report, trials, session.io.terminal)));
      session.exitCode = report.healthy ? 0 : exitCodes.failed;
    });
}

const titles = ['PROCESS', 'STATE', 'PID', 'VERSION', 'MEMORY', 'RESTARTS', 'REASON'];

/** Who may not see what is on trial is shown the rest. */
async function trialsSeen(session: Session): Promise<readonly Trial[]> {
  try {
    return await trialsOf(session.client);
  } catch (thrown) {
    if (thrown instanceof CommandFailure) return [];
    throw thrown;
  }
}

function formatStatus(report: StatusReport, trials: readonly Trial[], terminal: boolean): string {
  const { kernel, forwarder, plugins, counts } = report;
  const processes: [string, ProcessState][] = [
    ['kernel', { state: 'running', ...kernel }],
    ['forwarder', { version: kernel.version, ...forwarder }],
    ...plugins.map((plugin): [string, ProcessState] => [plugin.name, plugin]),
  ];
  const rows = processes.map(([name, process]) => rowOf(name, process));
  const table = new Table(titles, rows);
  const lines = rows.map((row) => colourState(table.row(row), row[1] ?? '', terminal));
  const objects = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`);
  return [
    `${report.healthy ? paint('healthy', 'green', terminal) : paint('not healthy', 'red', terminal)}\n\n`,
    table.head(),
    ...lines,
    `\nversion ${cell(kernel.version)}, up ${formatSeconds(kernel.uptimeSeconds)}, revision ${cell(kernel.revision)}\n`,
    ...formatEnforcement(report),
    `objects: ${objects.length === 0 ? 'none' : objects.join(', ')}\n`,
    ...trials.map(({ to, until }) => `on trial: change ${to}, taken back at ${until} unless you say: weft confirm ${to}\n`),
    ...formatAlarms(report, terminal),
  ].join('');
}

/** Memory in MiB, with the limit of a plugin. */
function rowOf(name: string, { state, pid, version, rssBytes, limits, restarts, reason }: ProcessState): string[] {
  const most = limits === undefined ? '' : `/${limits.memoryMib}`;
  const memory = rssBytes === undefined || rssBytes === null ? undefined : `${Math.round(rssBytes / (1 << 20))}${most} MiB`;
  return [name, state, cell(pid), cell(version), cell(memory), cell(restarts), cell(reason)];
}

/** Only what an operator should know: limits that the host does not enforce at once. */
function formatEnforcement({ enforcement }: StatusReport): string[] {
  if (enforcement === undefined || enforcement === null) return [];
  const notes = [
    enforcement.memory === 'watch' ? 'memory is looked at now and then' : '',
    enforcement.cpu === 'none' ? 'CPU is not limited' : '',
    enforcement.tasks === 'user' ? 'tasks count by user' : '',
  ].filter((note) => note !== '');
  return notes.length === 0 ? [] : [`limits of plugins, without control groups: ${notes.join(', ')}\n`];
}

/** `90 s`, `5 min`, `3 h 20 min`, `12 d 4 h`. */
function formatSeconds(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function colourState(line: string, state: string, terminal: boolean): string {
  const colour = state === 'running' ? 'green' : state === 'failed' ? 'red' : 'yellow';
  return line.replace(` ${state}`, ` ${paint(state, colour, terminal)}`);
}

function formatAlarms({ alarms }: StatusReport, terminal: boolean): string[] {
  if (alarms.length === 0) return ['alarms: none\n'];
  const lines = alarms.map(({ status }) => {
    const severity = cell(status.severity);
    return `  ${paint(severity, severity === 'critical' ? 'red' : 'yellow', terminal)} ${cell(status.subject)}: ${cell(status.text)}\n`;
  });
  return [`alarms: ${alarms.length}\n`, ...lines];
}
