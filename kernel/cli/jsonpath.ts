/**
 * `-o jsonpath=TEMPLATE`: text in which JSONPath queries (RFC 9535) stand in braces, with kubectl's `{range QUERY}…{end}` and `{"\n"}`.
 * A query may leave out the `$` that stands for the answer; in a range `@`, or nothing, is the item.
 */
import { InvalidArgumentError } from 'commander';
import { compile } from 'json-p3';

/** All values that a query finds, in the order of the answer. */
export type Query = (value: unknown) => readonly unknown[];
export type Template = (value: unknown) => string;

type Json = Parameters<ReturnType<typeof compile>['query']>[0];

/** An expression in braces, with quoted text in it left whole; or the text up to the next one. */
const token = /\{((?:[^{}"']|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')*)\}|[^{]+/y;

/** `$.spec.size`, `.spec.size`, `{.spec.size}`, or the JSON pointer `/spec/size`. Throws commander's error, which names the option. */
export function compileQuery(text: string): Query {
  const bare = /^\{(.*)\}$/s.exec(text.trim())?.[1] ?? text.trim();
  if (bare.startsWith('/')) return compileQuery(fromPointer(bare));
  const absolute = bare.replace(/^@/, '$').replace(/^(?=[.[])/, '$');
  try {
    const query = compile(absolute.startsWith('$') ? absolute : `$.${absolute}`);
    return (value) => query.query(value as Json).values();
  } catch (thrown) {
    throw new InvalidArgumentError(`"${bare}" is no JSONPath (RFC 9535): ${(thrown as Error).message.split('\n')[0]}.`);
  }
}

/** Without braces the whole text is one query. Throws as `compileQuery`. */
export function compileTemplate(text: string): Template {
  const tokens = tokensOf(text.includes('{') ? text : `{${text}}`);
  const template = sequence(tokens, false);
  return (value) => template(value).replace(/(?<!\n)$/, '\n');
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (found === null) throw new InvalidArgumentError(`The brace at character ${at + 1} is not closed.`);
    tokens.push(found[0]);
  }
  return tokens.reverse();
}

/** Takes tokens from the end of the list: to the end of a range, or of all. */
function sequence(tokens: string[], inRange: boolean): Template {
  const parts: Template[] = [];
  for (let next = tokens.pop(); next !== '{end}' || !inRange; next = tokens.pop()) {
    if (next === undefined && inRange) throw new InvalidArgumentError('A {range …} has no {end}.');
    if (next === undefined) break;
    parts.push(part(next, tokens));
  }
  return (value) => parts.map((one) => one(value)).join('');
}

function part(text: string, tokens: string[]): Template {
  if (!text.startsWith('{')) return () => text;
  const inside = text.slice(1, -1).trim();
  if (inside === 'end') throw new InvalidArgumentError('An {end} has no {range …}.');
  const [, range] = /^range\s+(.+)$/s.exec(inside) ?? [];
  if (range !== undefined) {
    const items = compileQuery(range);
    const each = sequence(tokens, true);
    return (value) => items(value).map(each).join('');
  }
  if (/^(["']).*\1$/s.test(inside)) {
    const quoted = unquote(inside);
    return () => quoted;
  }
  const query = compileQuery(inside);
  return (value) => query(value).map(asText).join(' ');
}

function unquote(quoted: string): string {
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
  return quoted.slice(1, -1).replaceAll(/\\(.)/gs, (_, char: string) => escapes[char] ?? char);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** RFC 6901; `*` stands for every item. */
function fromPointer(pointer: string): string {
  const names = pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  return `$${names.map((name) => (/^(\*|\d+)$/.test(name) ? `[${name}]` : `[${JSON.stringify(name)}]`)).join('')}`;
}
