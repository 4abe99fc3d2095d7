/** Bytes of a body to documents, with bounds: no cycles, no alias bombs, no bottomless nesting. */
import { type Document, isCollection, isScalar, LineCounter, parseAllDocuments, visit, type YAMLMap } from 'yaml';
import { fail, WeftFailure } from '../../contract/system/index.ts';

export type MediaType = 'json' | 'yaml';

const maxDepth = 64;
/** Nodes that aliases may stand for, per document. */
const maxAliases = 100;

/** @throws MALFORMED, naming the place */
export function readJson(bytes: Buffer): unknown {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep();
    throw fail('MALFORMED', `the body is no JSON: ${(error as Error).message}`, 'send JSON, or YAML with content-type application/yaml');
  }
  checkShape(value);
  return value;
}

/** The documents of a YAML 1.2 stream; empty ones are left out. @throws MALFORMED, naming the line */
export function readYaml(bytes: Buffer): unknown[] {
  try {
    return parseStream(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof WeftFailure) throw error;
    if (error instanceof RangeError) throw tooDeep();
    throw fail('MALFORMED', `the body is no YAML: ${(error as Error).message}`, 'correct it there');
  }
}

function parseStream(text: string): unknown[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    schema: 'core',
    stringKeys: true,
    uniqueKeys: false,
    prettyErrors: false,
  });
  const values: unknown[] = [];
  for (const document of documents) {
    checkDocument(document, lines);
    const value: unknown = toValue(document);
    checkShape(value);
    if (value !== null) values.push(value);
  }
  return values;
}

function checkDocument(document: Document, lines: LineCounter): void {
  const error = document.errors[0];
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    // the parser turns its own stack overflow into an error of the document
    if (/call stack/.test(error.message)) throw tooDeep(line);
    throw fail('MALFORMED', `line ${line}: ${error.message}`, 'correct the YAML there');
  }
  const lineAt = (node: { range?: readonly number[] | null }): number => lines.linePos(node.range?.[0] ?? 0).line;
  visit(document, {
    Alias: (_key, alias, path) => {
      const target = alias.resolve(document);
      if (!isCollection(target) || !path.includes(target)) return;
      throw fail('MALFORMED', `line ${lineAt(alias)}: the alias *${alias.source} contains itself`, 'write the value out instead');
    },
    Map: (_key, map) => checkKeys(map, lineAt),
    Node: (_key, node, path) => {
      if (path.length > maxDepth * 2) throw tooDeep(lineAt(node as { range?: readonly number[] | null }));
    },
  });
}

/** The parser's own check takes quadratic time. */
function checkKeys(map: YAMLMap, lineAt: (node: { range?: readonly number[] | null }) => number): void {
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value))
      throw fail('MALFORMED', `line ${lineAt(key)}: the field "${String(key.value)}" is given twice`, 'keep one of the two');
    seen.add(key.value);
  }
}

function toValue(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw fail(
      'MALFORMED',
      `the YAML's aliases are refused: ${error.message}`,
      `write values out instead; at most ${maxAliases} aliased nodes are taken`,
    );
  }
}

/** Depth, and keys that would mean something else to JavaScript. */
function checkShape(root: unknown): void {
  const open: [value: unknown, depth: number][] = [[root, 1]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, depth] = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > maxDepth) throw tooDeep();
    if (Object.hasOwn(value, '__proto__')) throw fail('MALFORMED', 'the field "__proto__" is not taken', 'rename it');
    for (const inner of Object.values(value)) open.push([inner, depth + 1]);
  }
}

function tooDeep(line?: number): WeftFailure {
  const where = line === undefined ? '' : `line ${line}: `;
  return fail('MALFORMED', `${where}the body is nested deeper than ${maxDepth} levels`, 'flatten it');
}
