/** What the kernel serves to one plugin, held to bounds of size, number and time. Grants are `serve.ts`'s business. */
import type { Handlers } from '../../bus/index.ts';
import { fail, formatKey, type KernelCalls, type ObjectInput, type ObjectKey } from '../../contract/system/index.ts';
import { alarmKind } from '../registry/index.ts';
import type { ObjectStore } from '../store/index.ts';
import { Turns } from './turns.ts';

/** Objects, keys or updates in one call. */
const mostPerCall = 5_000;
const mostKinds = 500;
/** Of the spec or the status that a plugin writes, bytes of JSON. */
const largestPart = 1024 * 1024;
/** Objects of one kind, however many of them are the plugin's: a plugin must not fill the disk. */
const mostObjects = 250_000;
const mostAlarms = 50;
const longestSubject = 256;
const longestText = 2_000;
const longestKey = 100;

/** @param handlers what `kernelCallsFor` made for `plugin` */
export function bounded(
  plugin: string,
  handlers: Handlers<KernelCalls>,
  store: Pick<ObjectStore, 'counts' | 'list'>,
): Handlers<KernelCalls> {
  const turns = new Turns();
  return {
    ...handlers,
    'objects.list': (input, context) => {
      assertKinds(input.kinds);
      return handlers['objects.list'](input, context);
    },
    'objects.watch': (input, context) => {
      assertKinds(input.kinds);
      return handlers['objects.watch'](input, context);
    },
    'objects.apply': (input, context) => {
      assertList(input.apply, 'apply');
      assertKeys(input.delete, 'delete');
      for (const object of input.apply) assertObject(object, store);
      return turns.run(() => handlers['objects.apply'](input, context));
    },
    'objects.status': (input, context) => {
      assertList(input.updates, 'updates');
      for (const update of input.updates) assertUpdate(update);
      return turns.run(() => handlers['objects.status'](input, context));
    },
    'objects.finalize': (input, context) => {
      assertKeys(input.keys, 'keys');
      return turns.run(() => handlers['objects.finalize'](input, context));
    },
    'alarm.set': (input, context) => {
      assertAlarm(plugin, input, store);
      return turns.run(() => handlers['alarm.set'](input, context));
    },
    'alarm.clear': (input, context) => {
      assertText(input.key, 'key', longestKey);
      return turns.run(() => handlers['alarm.clear'](input, context));
    },
  };
}

function assertList(value: unknown, name: string, most = mostPerCall): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw fail('MALFORMED', `${name} is not a list`, 'call the kernel with the SDK');
  if (value.length > most) throw fail('TOO_LARGE', `${name} has ${value.length} entries, the limit is ${most}`, 'make several calls');
}

function assertKinds(kinds: unknown): void {
  assertList(kinds, 'kinds', mostKinds);
  if (kinds.some((kind) => typeof kind !== 'string'))
    throw fail('MALFORMED', 'kinds has something that is no kind', 'call the kernel with the SDK');
}

function assertKeys(keys: unknown, name: string): void {
  assertList(keys, name);
  for (const key of keys) assertKey(key);
}

function assertKey(key: unknown): asserts key is ObjectKey {
  const { kind, project, name } = (typeof key === 'object' && key !== null ? key : {}) as Partial<Record<string, unknown>>;
  const good = typeof kind === 'string' && typeof name === 'string' && (project === undefined || typeof project === 'string');
  if (!good) throw fail('MALFORMED', 'a key without kind and name', 'call the kernel with the SDK');
}

function assertObject(object: ObjectInput, { counts }: Pick<ObjectStore, 'counts'>): void {
  if (typeof object !== 'object' || object === null || typeof object.kind !== 'string')
    throw fail('MALFORMED', 'an object without a kind', 'call the kernel with the SDK');
  const { kind } = object;
  assertSize(object.spec, `the spec of a ${kind.slice(0, longestKey)}`);
  if ((counts[kind] ?? 0) > mostObjects)
    throw fail('TOO_LARGE', `there are more than ${mostObjects} objects of kind ${kind}`, 'delete some');
}

function assertUpdate(update: unknown): void {
  const { key, status } = (typeof update === 'object' && update !== null ? update : {}) as { key?: unknown; status?: unknown };
  assertKey(key);
  if (typeof status !== 'object' || status === null || Array.isArray(status))
    throw fail('MALFORMED', `the status of ${formatKey(key)} is no map`, 'call the kernel with the SDK');
  assertSize(status, `the status of ${formatKey(key)}`);
}

function assertSize(value: unknown, what: string): void {
  let bytes: number;
  try {
    bytes = JSON.stringify(value ?? null).length;
  } catch (cause) {
    throw fail('MALFORMED', `${what} is no JSON: ${(cause as Error).message}`, 'give numbers, texts, lists and maps only');
  }
  if (bytes > largestPart)
    throw fail('TOO_LARGE', `${what} has ${bytes} bytes, the limit is ${largestPart}`, 'keep large things in the own folder');
}

function assertAlarm(
  plugin: string,
  { key, severity, subject, text }: KernelCalls['alarm.set']['in'],
  store: Pick<ObjectStore, 'list'>,
): void {
  assertText(key, 'key', longestKey);
  assertText(subject, 'subject', longestSubject);
  assertText(text, 'text', longestText);
  if (severity !== 'warning' && severity !== 'critical') throw fail('MALFORMED', 'severity is neither warning nor critical', 'choose one');
  const own = store.list(alarmKind.kind).filter(({ metadata }) => metadata.name.startsWith(`${plugin}.`));
  if (own.length < mostAlarms || own.some(({ metadata }) => metadata.name === `${plugin}.${key}`)) return;
  throw fail('TOO_LARGE', `${plugin} has ${mostAlarms} alarms already`, 'clear some, or tell of several things in one');
}

function assertText(value: unknown, name: string, longest: number): void {
  if (typeof value !== 'string') throw fail('MALFORMED', `${name} is no text`, 'call the kernel with the SDK');
  if (value.length > longest) throw fail('TOO_LARGE', `${name} has ${value.length} characters, the limit is ${longest}`, 'make it shorter');
}
