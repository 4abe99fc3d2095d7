/** `weft support-bundle`: one file for whoever shall find out what is wrong, without anything secret in it. */
import { closeSync, fchmodSync, fstatSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type BundleFile, Contents } from '../bundle/contents.ts';
import { apiSections } from '../bundle/from-api.ts';
import { hostSections, stateDirFor } from '../bundle/from-host.ts';
import { countOf } from '../count.ts';
import { failure } from '../errors.ts';
import type { Session } from '../session.ts';

interface Options {
  readonly write?: string;
  readonly stateDir?: string;
  readonly config?: string;
  readonly logMib: number;
}

const mebibyte = 1 << 20;
/** What each question to the API may take: a kernel that hangs is what bundles are made for. */
const apiMs = 5_000;

export function addSupportBundle(program: Command, session: Session): void {
  program
    .command('support-bundle')
    .description('collect what helps to find a fault into one .tar.gz, without secrets; works in part while Weft does not run')
    .option('-w, --write <file>', 'where to; weft-support-TIME.tar.gz here when left out')
    .option('--config <file>', 'host settings that `weft up` was given; /etc/weft/weft.yaml when left out')
    .option('--state-dir <dir>', 'the directory that `weft up` was given')
    .addOption(new Option('--log-mib <count>', 'how much of each log, MiB').argParser(countOf('a number', 1, 999)).default(4))
    .action(async (options: Options) => {
      const name = `weft-support-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
      const target = resolve(options.write ?? `${name}.tar.gz`);
      // before anything is collected
      claim(target);
      const contents = await collect(session, options);
      writeArchive(session, name, contents.files({ bundle: name, weft: 'support bundle, from an allow-list' }), target);
      for (const [why, sections] of contents.missing) session.io.err(`without ${sections.join(', ')}: ${why}\n`);
      session.io.out(`${target}\n`);
    });
}

async function collect(session: Session, { stateDir, config, logMib }: Options): Promise<Contents> {
  const contents = new Contents();
  const host = {
    stateDir: stateDirFor(stateDir, session.io.env.WEFT_API),
    logBytes: logMib * mebibyte,
    ...(config === undefined ? {} : { config }),
  };
  await contents.collect([...apiSections(session.clientWithin(apiMs)), ...hostSections(host)]);
  contents.leaveOut('environment variables', 'they may hold secrets');
  return contents;
}

/** Only who made it reads it: names of objects and addresses are nobody else's business. */
function claim(path: string): void {
  try {
    const file = openSync(path, 'w', 0o600);
    // one that was there keeps its mode otherwise; devices and pipes are not ours to change
    if (fstatSync(file).isFile()) fchmodSync(file, 0o600);
    closeSync(file);
  } catch (thrown) {
    throw failure((thrown as Error).message.replace(/,.*/, ''), path, 'name a file that you may write with -w');
  }
}

function writeArchive(session: Session, name: string, files: readonly BundleFile[], target: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bundle-'));
  try {
    for (const { path, text } of files) {
      const file = join(folder, name, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const code = session.io.run('tar', ['-czf', target, '-C', folder, name]);
    if (code !== 0) throw failure(`tar ended with ${code}`, target, 'see its message above');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
