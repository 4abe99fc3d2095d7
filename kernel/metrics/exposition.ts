/**
 * Metrics as text (Prometheus text format 0.0.4) of several processes, joined into one: each process's samples get the label `process`, and each
 * family its HELP and TYPE once. What a process says is not trusted: what does not fit is refused as a whole.
 */

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  /** Whole lines. */
  readonly samples: readonly string[];
}

export interface Joined {
  readonly text: string;
  /** Families that were left out: another process had said something else of them before. */
  readonly refused: readonly { readonly process: string; readonly family: string }[];
}

const maxBytes = 1 << 20;
const familyName = /^weft_[a-z0-9_]+$/;
const types: readonly string[] = ['counter', 'gauge', 'histogram', 'summary'];
const header = /^# (HELP|TYPE) (\S+)(?: (.*))?$/;
const sample = /^([a-z]\w*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"(?:,|(?=\})))*)\})? (\S+)$/;
const label = /([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"/g;
/** `Nan` is how prom-client writes it. */
const number = /^(?:[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|Inf)|NaN|Nan)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: some readers take them for the end of the text
const control = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** Reads what one process says. Throws an Error that names the line. */
export function parseExposition(text: string, process: string): Family[] {
  if (text.length > maxBytes) throw new Error(`${text.length} characters of metrics, at most ${maxBytes} are taken`);
  const families: Families = new Map();
  const series = new Set<string>();
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const problem = problemOf(families, series, line, process);
    if (problem !== null) throw new Error(`line ${at + 1}: ${problem}: ${line.slice(0, 100)}`);
  }
  return [...families.values()].filter(({ type }) => type !== '');
}

type Families = Map<string, { name: string; help: string; type: string; samples: string[] }>;

function problemOf(families: Families, series: Set<string>, line: string, process: string): string | null {
  if (control.test(line)) return 'control characters';
  return line.startsWith('#') ? addHeader(families, line) : addSample(families, series, line, process);
}

function addHeader(families: Families, line: string): string | null {
  const [, keyword, name = '', rest = ''] = header.exec(line) ?? [];
  if (keyword === undefined) return 'neither HELP nor TYPE';
  if (!familyName.test(name)) return 'the name of a metric is weft_ and snake case';
  const family = families.get(name) ?? { name, help: '', type: '', samples: [] };
  families.set(name, family);
  if (keyword === 'HELP') family.help = rest;
  else if (types.includes(rest)) family.type = rest;
  else return `a type is one of ${types.join(', ')}`;
  return null;
}

function addSample(families: Families, series: Set<string>, line: string, process: string): string | null {
  const [, name = '', text = '', value = ''] = sample.exec(line) ?? [];
  if (name === '' || !isNumber(value)) return 'no sample';
  const labels = [...text.matchAll(label)].map(([whole, key = '']) => ({ key, whole }));
  const problem = problemOfLabels(labels.map(({ key }) => key));
  if (problem !== null) return problem;
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  if (family === undefined || family.type === '') return 'no TYPE before it';
  const bound = boundOf(family.type, family.name === name, name);
  if (bound !== null && !labels.some(({ key, whole }) => key === bound && isNumber(whole.slice(bound.length + 2, -1))))
    return `no ${bound}`;
  const wholes = labels.map(({ whole }) => whole);
  const identity = `${name}{${wholes.toSorted().join()}}`;
  if (series.has(identity)) return 'said before';
  series.add(identity);
  family.samples.push(`${name}{${[`process="${process}"`, ...wholes].join()}} ${value === 'Nan' ? 'NaN' : value}`);
  return null;
}

/** The label that a sample of such a family must have, with a number in it. */
function boundOf(type: string, isWhole: boolean, name: string): 'le' | 'quantile' | null {
  if (type === 'histogram' && name.endsWith('_bucket')) return 'le';
  return type === 'summary' && isWhole ? 'quantile' : null;
}

/** Readers refuse a number that does not fit into 64 bits, and with it the whole text. */
function isNumber(text: string): boolean {
  return number.test(text) && (/[fN]/.test(text) || Number.isFinite(Number(text)));
}

function problemOfLabels(names: readonly string[]): string | null {
  if (names.includes('process')) return 'the label process is given by the kernel';
  if (names.some((name) => name.startsWith('__'))) return 'labels that begin with __ belong to Prometheus';
  return new Set(names).size === names.length ? null : 'a label twice';
}

/** A family's type and help are what the first process says of it, before all others the one whose name it bears: weft_dns_… is dns's. */
export function joinFamilies(processes: readonly { readonly process: string; readonly families: readonly Family[] }[]): Joined {
  const joined = new Map<string, Family & { samples: string[] }>();
  const refused: { process: string; family: string }[] = [];
  for (const { process, family } of byClaim(processes)) {
    const { name, help, type, samples } = family;
    const known = joined.get(name);
    if (known === undefined) joined.set(name, { name, help, type, samples: [...samples] });
    else if (known.type !== type) refused.push({ process, family: name });
    else for (const line of samples) known.samples.push(line);
  }
  const texts = [...joined.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map(format);
  return { text: texts.join(''), refused };
}

/** The first process is the kernel: it says first what it says. */
function byClaim(processes: Parameters<typeof joinFamilies>[0]): { process: string; family: Family }[] {
  const rank = (at: number, process: string, name: string): number => (at === 0 ? 0 : name.startsWith(`weft_${process}_`) ? 1 : 2);
  return processes
    .flatMap(({ process, families }, at) => families.map((family) => ({ process, family, rank: rank(at, process, family.name) })))
    .sort((a, b) => a.rank - b.rank);
}

function format({ name, help, type, samples }: Family): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map((line) => `${line}\n`).join('')}`;
}
