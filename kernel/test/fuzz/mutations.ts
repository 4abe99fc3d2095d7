/** Requests that nobody would write, made of those that somebody might. */
import { stringify } from 'yaml';
import { below, choose, type Random } from '../robustness/generator.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As data while it is mutated as such; undefined: none. */
  readonly document?: unknown;
}

/** As it is sent. */
export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const words = [
  ...['', '-', '.', '..', '%2e%2e', '%00', '%ff', '%', '%2f', '%25', 'ä', '日本', '\u{1f525}', '%F0%9F%94%A5', 'a b', 'A', 'x'.repeat(250)],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'null',
    'undefined',
    '0',
    '-1',
    '1e9',
    '9'.repeat(30),
    "'",
    '"',
    '<b>',
  ],
  ...['default', 'red', 'x1', 'projects', 'apply', 'watch', 'operations', 'true', '*', '{name}', ':name', ';', '?', '#', '%5C'],
].map((word) => (/[^\x20-\x7e]/.test(word) ? encodeURIComponent(word) : word.replaceAll(' ', '%20')));
const parameters = [
  ...[
    'dryRun',
    'cascade',
    'project',
    'confirm',
    'kinds',
    'since',
    'labels',
    'limit',
    'until',
    'kind',
    'name',
    'status',
    'revision',
    'lines',
  ],
  ...['follow', 'file', 'subject', 'withKey', '__proto__', 'constructor', 'toString', 'nonsense', ''],
];
const types = [
  ...[
    'application/json',
    'application/yaml',
    'application/merge-patch+json',
    'text/yaml',
    'text/plain',
    'application/json; charset=utf-16',
  ],
  ...['', 'x', 'application/', 'multipart/form-data', 'APPLICATION/JSON', 'application/json, application/yaml', 'a/b; c="'],
];
const matches = ['*', '"1"', 'W/"1"', '1', '"9999999"', '', '"1", "2"', '-1', '""', 'x'.repeat(300), '"\u00e9"'];
const otherHeaders = [
  'accept',
  'authorization',
  'last-event-id',
  'x-forwarded-for',
  'content-encoding',
  'expect',
  'accept-encoding',
  'cookie',
  'te',
];

const deep = (levels: number): unknown => Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 1);
const values: readonly (() => unknown)[] = [
  ...[null, true, 0, -1, -0, 1.5, 1e308, -1e308, 2 ** 53, 4294967296, '', 'x', ' ', '\0', '\ud800', '\u202e', 'é', '0x10', '1e400', 'true'],
  ...['::1', '10.0.0.0/33', '2001:db8::/129', '255.255.255.255', 'FF:FF:FF:FF:FF:FF', '../../etc', 'red/x1', 'nowhere/ghost', '(hidden)'],
  ...[[], {}, [[]], [null], { '': '' }, { constructor: { prototype: { polluted: true } } }, { toString: 1 }, { length: -1 }, { $ref: '#' }],
].map((value) => () => value);
const larger: readonly (() => unknown)[] = [
  () => 'x'.repeat(10_000),
  () => '\u{1f525}'.repeat(1_000),
  () => deep(70),
  () => deep(300),
  () => Array.from({ length: 500 }, (_, index) => index),
  () => Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index])),
  () => JSON.parse('{"__proto__": {"polluted": true}}') as unknown,
];

/** One to five mutations, one more often than five, then bytes; one in five is sent as it is. */
export function mutated(seeds: readonly Asked[], random: Random): Sent {
  let asked = choose(random, seeds);
  if (random() < 0.2) return encoded(asked, random, false);
  for (let left = 1 + below(random, 1 + below(random, 5)); left > 0; left -= 1) asked = choose(random, mutations)(asked, random, seeds);
  return encoded(asked, random, random() < 0.15);
}

type Mutation = (asked: Asked, random: Random, seeds: readonly Asked[]) => Asked;

const mutations: readonly Mutation[] = [
  (asked, random) => ({ ...asked, method: choose(random, methods) }),
  (asked, random) => ({
    ...asked,
    url: inPath(asked.url, (parts) => parts.with(1 + below(random, parts.length - 1), choose(random, words))),
  }),
  (asked, random) => ({ ...asked, url: inPath(asked.url, (parts) => [...parts, choose(random, words)]) }),
  (asked, random) => ({ ...asked, url: inPath(asked.url, (parts) => parts.toSpliced(1 + below(random, parts.length), 1)) }),
  withParameter,
  withParameter,
  (asked, random) => ({ ...asked, headers: { ...asked.headers, 'content-type': choose(random, types) } }),
  (asked, random) => ({
    ...asked,
    headers: { ...asked.headers, [choose(random, ['if-match', 'if-none-match'])]: choose(random, matches) },
  }),
  (asked, random) => ({ ...asked, headers: { ...asked.headers, [choose(random, otherHeaders)]: choose(random, words) } }),
  (asked, random, seeds) => ({ ...asked, document: choose(random, seeds).document }),
  ...Array.from({ length: 14 }, () => withDocument),
];

function inPath(url: string, change: (parts: string[]) => string[]): string {
  const [path = '', ...query] = url.split('?');
  const changed = change(path.split('/')).join('/');
  return [changed.startsWith('/') ? changed : `/${changed}`, ...query].join('?');
}

function withParameter(asked: Asked, random: Random): Asked {
  const parameter = `${choose(random, parameters)}=${choose(random, [...words, 'true', 'false', '1', '5'])}`;
  return { ...asked, url: `${asked.url}${asked.url.includes('?') ? '&' : '?'}${parameter}` };
}

function withDocument(asked: Asked, random: Random): Asked {
  return asked.document === undefined ? asked : { ...asked, document: changedValue(asked.document, random, below(random, 7)) };
}

function anyValue(random: Random): unknown {
  return (random() < 0.1 ? choose(random, larger) : choose(random, values))();
}

/** @param depth how far below the change is, if the document reaches so far */
function changedValue(value: unknown, random: Random, depth: number): unknown {
  if (depth === 0 || typeof value !== 'object' || value === null) return anyValue(random);
  if (Array.isArray(value)) {
    if (value.length === 0 || random() < 0.2) return [...value, anyValue(random)];
    const at = below(random, value.length);
    return random() < 0.15 ? value.toSpliced(at, 1) : value.with(at, changedValue(value[at], random, depth - 1));
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || random() < 0.15)
    return { ...value, [choose(random, [...parameters, 'spec', 'metadata', 'kind'])]: anyValue(random) };
  const [name, inner] = choose(random, entries);
  if (random() < 0.15) return Object.fromEntries(entries.filter(([other]) => other !== name));
  return { ...value, [name]: changedValue(inner, random, depth - 1) };
}

function encoded({ method, url, headers, document }: Asked, random: Random, spoilt: boolean): Sent {
  if (document === undefined && !spoilt) return { method, url, headers };
  const yaml = (headers['content-type'] ?? '').includes('yaml');
  const text = document === undefined ? '' : yaml && random() < 0.7 ? asYaml(document, random) : (JSON.stringify(document) ?? '');
  const bytes = Buffer.from(text);
  const body = spoilt ? spoiled(bytes, random) : bytes;
  return { method, url, headers: { 'content-type': 'application/json', ...headers }, body };
}

const yamlOddities = [
  '\n---\n',
  '&a [*a]',
  '<<: *b',
  '!!js/function x',
  '\t',
  '? [x]',
  '%YAML 1.1\n',
  '"\\u0000"',
  '*ghost',
  '&x',
  '...\n',
  '- - - -',
  '{',
  '|+\n',
];

function asYaml(document: unknown, random: Random): string {
  const text = stringify(document, { aliasDuplicateObjects: random() < 0.5 });
  if (random() < 0.6) return text;
  const at = below(random, text.length + 1);
  return text.slice(0, at) + choose(random, yamlOddities) + text.slice(at);
}

/** Bytes set, cut, repeated; fields given twice; what is no UTF-8. */
function spoiled(bytes: Buffer, random: Random): Buffer {
  const at = below(random, bytes.length + 1);
  const parts: readonly (() => Buffer[])[] = [
    () => [bytes.subarray(0, at)],
    () => [bytes.subarray(0, at), Buffer.from([below(random, 256)]), bytes.subarray(at + 1)],
    () => [bytes.subarray(0, at), Buffer.from([0xff, 0xfe, 0x00]), bytes.subarray(at)],
    () => [bytes, bytes],
    () => [Buffer.from([0xef, 0xbb, 0xbf]), bytes],
    () => [Buffer.from(bytes.toString().replace(/"(\w+)":/, '"$1": 1, "$1":'))],
    () => [Buffer.from('['.repeat(20_000))],
    () => [Buffer.from('{"a":'.repeat(5_000))],
    () => [bytes.subarray(0, at), Buffer.from(choose(random, ['1e999', '-', '01', 'NaN', '\\u', '"', '//', '\u2028'])), bytes.subarray(at)],
  ];
  return Buffer.concat(choose(random, parts)());
}
