/** `weft plugin`: the plugins, their life and their logs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { addPrinting, answerOption, type Printing, render, renderOne } from '../answers.ts';
import { countOf } from '../count.ts';
import { exitCodes, failure } from '../errors.ts';
import { agreed } from '../question.ts';
import type { PluginState } from '../report.ts';
import type { Session } from '../session.ts';

export function addPlugin(program: Command, session: Session): void {
  const plugin = program.command('plugin').description('show, switch and restart plugins');
  addList(plugin, session);
  addEnable(plugin, session);
  addDisable(plugin, session);
  addRestart(plugin, session);
  addLogs(plugin, session);
  addDescribe(plugin, session);
}

/** The kernel gives a plugin up before. */
const servingMs = 90_000;
const lookMs = 100;

function pathOf(name: string, rest = ''): string {
  return `/v1/plugins/${encodeURIComponent(name)}${rest}`;
}

const columns = [
  { title: 'NAME', pointer: '/name' },
  { title: 'STATE', pointer: '/state' },
  { title: 'PID', pointer: '/pid' },
  { title: 'RESTARTS', pointer: '/restarts' },
  { title: 'REASON', pointer: '/reason' },
];

function addList(plugin: Command, session: Session): void {
  const command = plugin.command('list').description('all plugins and how they are');
  addPrinting(command, ['table', 'json', 'yaml', 'name']).action(async (options: Printing) => {
    const items = await session.client.json<readonly PluginState[]>('/v1/plugins');
    session.io.out(render({ whole: items, items, columns, nameOf: ({ name }: PluginState) => name }, options));
  });
}

function addEnable(plugin: Command, session: Session): void {
  plugin
    .command('enable')
    .description('let it run, now and after every start; done when it serves')
    .argument('<name>')
    .option('--no-wait', 'do not wait until it serves')
    .action(async (name: string, options: { wait: boolean }) => {
      await session.client.json(pathOf(name), { method: 'PUT', body: { enabled: true }, about: `plugin ${name}` });
      if (options.wait) await serving(session, name);
      session.io.out(`plugin ${name} enabled\n`);
    });
}

function addDisable(plugin: Command, session: Session): void {
  plugin
    .command('disable')
    .description('stop it and remove what it set; what it wrote stays')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, options: { yes?: boolean }) => {
      const about = `plugin ${name}`;
      const { disabling = [] } = await session.client.json<PluginState>(pathOf(name), { about });
      for (const sentence of disabling) session.io.err(`warning: ${sentence}\n`);
      const agrees = options.yes === true || disabling.length === 0 || (await agreed(session.io, `disable the plugin ${name}?`));
      if (!agrees) throw failure('nothing was changed', about, 'answer y, or give --yes');
      await session.client.json(pathOf(name), { method: 'PUT', body: { enabled: false }, about });
      session.io.out(`plugin ${name} disabled\n`);
    });
}

function addRestart(plugin: Command, session: Session): void {
  plugin
    .command('restart')
    .description('stop and start its process; done when it serves')
    .argument('<name>')
    .option('--no-wait', 'do not wait until it serves')
    .action(async (name: string, options: { wait: boolean }) => {
      const about = `plugin ${name}`;
      const { pid } = await session.client.json<PluginState>(pathOf(name), { about });
      await session.client.json(pathOf(name, '/restart'), { method: 'POST', body: {}, about });
      if (options.wait) await serving(session, name, pid);
      session.io.out(`plugin ${name} restarted\n`);
    });
}

/** Returns once the plugin serves, in another process than `former`. Exit 3: not in time. */
async function serving(session: Session, name: string, former: number | null = null): Promise<void> {
  const about = `plugin ${name}`;
  for (const end = performance.now() + servingMs; ; await sleep(lookMs, undefined, { signal: session.io.signal })) {
    const { state, pid, reason = '' } = await session.client.json<PluginState>(pathOf(name), { about });
    if (state === 'running' && pid !== former) return;
    if (state === 'failed') throw failure(reason || 'it does not run', about, `see: weft plugin logs ${name}`);
    if (performance.now() > end)
      throw failure(`it does not serve after ${servingMs / 1_000} s`, about, `see: weft plugin describe ${name}`, exitCodes.notInTime);
  }
}

function addLogs(plugin: Command, session: Session): void {
  plugin
    .command('logs')
    .description('the last lines of its log, one JSON object each')
    .argument('<name>', 'a plugin, or: kernel, forwarder')
    .option('-f, --follow', 'keep showing new lines until interrupted')
    .addOption(new Option('-n, --lines <count>', 'how many').argParser(countOf('a number of lines', 0, 100_000)).default(100))
    .action(async (name: string, options: { follow?: boolean; lines: number }) => {
      const query = new URLSearchParams({ lines: String(options.lines), ...(options.follow === true ? { follow: 'true' } : {}) });
      const lines = session.client.lines(pathOf(name, `/logs?${query}`), { about: `plugin ${name}`, signal: session.io.signal });
      for await (const line of lines) session.io.out(`${line}\n`);
    });
}

function addDescribe(plugin: Command, session: Session): void {
  plugin
    .command('describe')
    .description('all about one plugin')
    .argument('<name>')
    .addOption(answerOption(['yaml', 'json']))
    .action(async (name: string, options: { output: string }) => {
      const state = await session.client.json<PluginState>(pathOf(name), { about: `plugin ${name}` });
      session.io.out(renderOne(state, options.output, () => ''));
    });
}
