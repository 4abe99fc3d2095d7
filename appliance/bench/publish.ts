/** Writes the page and its plots: beside the figures of a run, or as docs/performance.md. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Notes } from './notes.ts';
import { renderPage } from './page.ts';
import { type Plot, plotsOf } from './plots.ts';
import type { BenchResult } from './result.ts';

function writePlots(plots: readonly Plot[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  // A plot that this result does not have is of an older one.
  for (const name of readdirSync(folder)) if (name.endsWith('.svg')) rmSync(join(folder, name));
  for (const { file, svg } of plots) writeFileSync(join(folder, file), svg);
}

/** performance.md and its plots into `folder`. Returns the page's path. */
export function writePage(result: BenchResult, notes: Notes, folder: string): string {
  const plots = plotsOf(result.measurements);
  writePlots(plots, folder);
  const page = join(folder, 'performance.md');
  writeFileSync(page, renderPage(result, notes, plots, ''));
  return page;
}

/** docs/performance.md, with its plots in docs/performance. Returns the page's path. */
export function publishPage(result: BenchResult, notes: Notes, docs: string): string {
  const plots = plotsOf(result.measurements);
  writePlots(plots, join(docs, 'performance'));
  const page = join(docs, 'performance.md');
  writeFileSync(page, renderPage(result, notes, plots, 'performance/'));
  return page;
}
