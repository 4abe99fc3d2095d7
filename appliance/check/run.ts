/** `npm run check`: all rules, two at a time, one line each; the output of those that fail. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Rule, rules } from './rules.ts';

interface Outcome {
  readonly rule: Rule;
  readonly ok: boolean;
  readonly seconds: number;
  readonly output: string;
}

const top = join(import.meta.dirname, '..', '..');

/** Runs one rule in `cwd` with the tree's own tools first in the path. */
export function runRule(rule: Rule, cwd: string = top): Promise<Outcome> {
  const started = performance.now();
  const [program = '', ...args] = rule.command;
  const path = [join(top, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, PATH: path, WEFT_TOP: top, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const done = (ok: boolean) => resolve({ rule, ok, seconds: (performance.now() - started) / 1000, output });
    child.on('error', (error) => {
      output += `${program}: ${error.message}; run: npm run setup\n`;
      done(false);
    });
    child.on('close', (code) => done(code === 0));
  });
}

async function main(): Promise<void> {
  const queue = [...rules];
  const failed: Outcome[] = [];
  const lane = async () => {
    for (let rule = queue.shift(); rule !== undefined; rule = queue.shift()) {
      const outcome = await runRule(rule);
      console.log(`${outcome.ok ? 'ok    ' : 'FAILED'} ${rule.name.padEnd(16)} ${outcome.seconds.toFixed(1).padStart(5)} s  ${rule.about}`);
      if (!outcome.ok) failed.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, lane));
  for (const { rule, output } of failed) console.log(`\n── ${rule.name}: ${rule.command.join(' ')}\n${output.trim()}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

if (import.meta.main) await main();
