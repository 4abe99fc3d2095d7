/** convict's formats for host settings. Messages complete the sentence "SETTING …". */
import { isIPv4, isIPv6 } from 'node:net';
import { isAbsolute } from 'node:path';
import convict from 'convict';

/** An integer setting is written `count:LEAST:MOST` in the schema. */
const counts = [
  'count:100:10000000',
  'count:64:65536',
  'count:4:65536',
  'count:-1:1023',
  'count:1:8',
  'count:2:100',
  'count:1:65536',
  'count:1:1000000',
  'count:64:16777216',
  'count:1:100',
  'count:1:2592000',
  'count:1:1024',
  'count:1:86400',
];

export function addFormats(): void {
  convict.addFormats({
    'absolute-path': { validate: (value: unknown) => mustBePath(value, false), coerce: same },
    'absolute-path-or-empty': { validate: (value: unknown) => mustBePath(value, true), coerce: same },
    'listen-address-or-empty': { validate: mustBeListenAddress, coerce: same },
    'absolute-paths': {
      validate: (value: unknown) => {
        if (!Array.isArray(value)) throw new Error('must be a list of absolute paths');
        for (const path of value) mustBePath(path, false);
      },
      coerce: same,
    },
    // convict takes what stands below a setting of a format with this name as its value, not as further settings.
    object: {
      validate: (value: unknown) => {
        if (!isRecord(value)) throw new Error('must be a map');
      },
      coerce: same,
    },
    uids: {
      validate: (value: unknown) => {
        if (!Array.isArray(value) || !value.every((uid) => Number.isInteger(uid) && uid >= 0))
          throw new Error('must be a list of numeric user ids');
      },
      coerce: same,
    },
    switch: {
      validate: (value: unknown) => {
        if (typeof value !== 'boolean') throw new Error('must be true or false');
      },
      coerce: same,
    },
  });
  for (const name of counts) {
    const [, least = 0, most = 0] = name.split(':').map(Number);
    convict.addFormat({
      name,
      validate: (value: unknown) => {
        if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
          throw new Error(`must be a whole number from ${least} to ${most}`);
      },
      coerce: same,
    });
  }
}

/** What a setting of a format may be, as JSON Schema. */
export function formatSchema(format: unknown): object {
  if (Array.isArray(format)) return { enum: format };
  const [name, least, most] = String(format).split(':');
  switch (name) {
    case 'count':
      return { type: 'integer', minimum: Number(least), maximum: Number(most) };
    case 'uids':
      return { type: 'array', items: { type: 'integer', minimum: 0 } };
    case 'absolute-paths':
      return { type: 'array', items: { type: 'string', format: 'path' } };
    case 'switch':
      return { type: 'boolean' };
    case 'object':
      return { type: 'object' };
    default:
      return { type: 'string', format: name === 'listen-address-or-empty' ? 'address:port' : 'path' };
  }
}

function same<T>(value: T): T {
  return value;
}

function mustBePath(value: unknown, mayBeEmpty: boolean): void {
  if (mayBeEmpty && value === '') return;
  if (typeof value !== 'string' || !isAbsolute(value)) throw new Error('must be an absolute path');
}

function mustBeListenAddress(value: unknown): void {
  if (value === '') return;
  const [, bracketed, plain, port = ''] = (typeof value === 'string' && /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value)) || [];
  const known = bracketed === undefined ? isIPv4(plain ?? '') || plain === 'localhost' : isIPv6(bracketed);
  if (!known || Number(port) < 1 || Number(port) > 65_535) throw new Error('must be an address and a port, like 0.0.0.0:8082 or [::]:8082');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
