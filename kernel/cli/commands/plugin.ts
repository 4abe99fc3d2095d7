/** `weft plugin`: the plugins, their life and their logs. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { cell, toJson, toTable, toYaml } from '../output.ts';
import type { PluginState } from '../report.ts';
import { outputOption, type Session } from '../session.ts';

export function addPlugin(program: Command, session: Session): void {
  const plugin = program.command('plugin').description('show, switch and restart plugins');
  addList(plugin, session);
  addSwitch(plugin, session, 'enable', true);
  addSwitch(plugin, session, 'disable', false);
  addRestart(plugin, session);
  addLogs(plugin, session);
  addDescribe(plugin, session);
}

function pathOf(name: string, rest = ''): string {
  return `/v1/plugins/${encodeURIComponent(name)}${rest}`;
}

function addList(plugin: Command, session: Session): void {
  plugin
    .command('list')
    .description('all plugins and how they are')
    .addOption(outputOption(['table', 'json', 'yaml', 'name']))
    .action(async (options: { output: string }) => {
      const plugins = await session.client.json<readonly PluginState[]>('/v1/plugins');
      if (options.output === 'json') return session.io.out(toJson(plugins));
      if (options.output === 'yaml') return session.io.out(toYaml(plugins));
      if (options.output === 'name') return session.io.out(plugins.map(({ name }) => `${name}\n`).join(''));
      const rows = plugins.map(({ name, state, pid, restarts, reason }) => [name, state, pid, restarts, reason].map(cell));
      session.io.out(toTable(['NAME', 'STATE', 'PID', 'RESTARTS', 'REASON'], rows));
    });
}

function addSwitch(plugin: Command, session: Session, verb: 'enable' | 'disable', enabled: boolean): void {
  plugin
    .command(verb)
    .description(enabled ? 'let it run, now and after every start' : 'stop it and remove what it set; what it wrote stays')
    .argument('<name>')
    .action(async (name: string) => {
      await session.client.json(pathOf(name), { method: 'PUT', body: { enabled }, about: `plugin ${name}` });
      session.io.out(`plugin ${name} ${verb}d\n`);
    });
}

function addRestart(plugin: Command, session: Session): void {
  plugin
    .command('restart')
    .description('stop and start its process')
    .argument('<name>')
    .action(async (name: string) => {
      await session.client.json(pathOf(name, '/restart'), { method: 'POST', body: {}, about: `plugin ${name}` });
      session.io.out(`plugin ${name} restarted\n`);
    });
}

function addLogs(plugin: Command, session: Session): void {
  plugin
    .command('logs')
    .description('the last lines of its log, one JSON object each')
    .argument('<name>', 'a plugin, or: kernel, forwarder')
    .option('-f, --follow', 'keep showing new lines until interrupted')
    .addOption(new Option('-n, --lines <count>', 'how many').argParser(parseCount).default(100))
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
    .addOption(outputOption(['yaml', 'json']))
    .action(async (name: string, options: { output: string }) => {
      const state = await session.client.json<PluginState>(pathOf(name), { about: `plugin ${name}` });
      session.io.out(options.output === 'json' ? toJson(state) : toYaml(state));
    });
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a number of lines.');
  return Number(text);
}
