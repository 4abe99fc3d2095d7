/** `weft status`: how Weft is, on one screen. Exit 0: healthy. */
import type { Command } from 'commander';
import { exitCodes } from '../errors.ts';
import { cell, paint, Table, toJson } from '../output.ts';
import type { ProcessState, StatusReport } from '../report.ts';
import { outputOption, type Session } from '../session.ts';

export function addStatus(program: Command, session: Session): void {
  program
    .command('status')
    .description('show how Weft is; exit 0: healthy')
    .addOption(outputOption(['table', 'json']))
    .action(async (options: { output: string }) => {
      const report = await session.client.json<StatusReport>('/v1/status');
      session.io.out(options.output === 'json' ? toJson(report) : formatStatus(report, session.io.terminal));
      session.exitCode = report.healthy ? 0 : exitCodes.failed;
    });
}

function formatStatus(report: StatusReport, terminal: boolean): string {
  const processes: [string, ProcessState][] = [
    ['kernel', { state: 'running', ...report.kernel }],
    ['forwarder', report.forwarder],
    ...report.plugins.map((plugin): [string, ProcessState] => [plugin.name, plugin]),
  ];
  const rows = processes.map(([name, { state, pid, restarts, reason }]) => [name, state, cell(pid), cell(restarts), cell(reason)]);
  const table = new Table(['PROCESS', 'STATE', 'PID', 'RESTARTS', 'REASON'], rows);
  const lines = rows.map((row) => colourState(table.row(row), row[1] ?? '', terminal));
  const counts = Object.entries(report.counts).map(([kind, count]) => `${kind} ${count}`);
  return [
    `${report.healthy ? paint('healthy', 'green', terminal) : paint('not healthy', 'red', terminal)}\n\n`,
    table.head(),
    ...lines,
    `\nversion ${cell(report.kernel.version)}, up ${cell(report.kernel.uptimeSeconds)} s, revision ${cell(report.kernel.revision)}\n`,
    `objects: ${counts.length === 0 ? 'none' : counts.join(', ')}\n`,
    ...formatAlarms(report, terminal),
  ].join('');
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
