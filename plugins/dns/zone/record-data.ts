/** Data of records as users write it → bytes. Pure; says what is wrong with a text, and what would be right. */
import { isIpv4, parseIp } from '@weft/kernel/contract/net';
import type { DnsRecordType } from '../kinds.ts';
import { formatName, isHostLabel, type Name, parseName, root } from '../message/name.ts';
import { addressData, nameData, numberedNameData, textData } from '../message/rdata.ts';

export type Parsed<T> = { readonly ok: true; readonly value: T } | Problem;

interface Problem {
  readonly ok: false;
  readonly message: string;
  readonly fix: string;
}

const problem = (message: string, fix: string): Problem => ({ ok: false, message, fix });
const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value });

const longestText = 4096;

/** Uncompressed record data. `domain` is the network's: what names of one label are completed with. */
export function readData(type: DnsRecordType, text: string, domain: Name): Parsed<Buffer> {
  switch (type) {
    case 'A':
    case 'AAAA':
      return readAddress(type, text);
    case 'CNAME':
    case 'PTR':
      return mapped(readTarget(text, domain), nameData);
    case 'MX':
      return readNumbered(text, ['PREFERENCE'], '10 mail.example.org.', domain);
    case 'SRV':
      return readNumbered(text, ['PRIORITY', 'WEIGHT', 'PORT'], '0 5 5060 sip.example.org.', domain);
    case 'TXT':
      return readText(text);
  }
}

function readAddress(type: 'A' | 'AAAA', text: string): Parsed<Buffer> {
  if (parseIp(text) !== undefined && isIpv4(text) === (type === 'A')) return parsed(addressData(text));
  const example = type === 'A' ? '10.1.0.11' : '2001:db8:1::11';
  return problem(`${JSON.stringify(text)} is not an ${type === 'A' ? 'IPv4' : 'IPv6'} address`, `write an address such as ${example}`);
}

/** A whole name, one label below the domain, or the domain. Anything between would leave open which it is. `rootToo`: `.` says that there is none (RFC 7505). */
function readTarget(text: string, domain: Name, rootToo = false): Parsed<Name> {
  if (text === '@') return parsed(domain);
  const name = text === '.' && rootToo ? root : parseName(text);
  if (name === undefined || !name.every(isHostLabel)) {
    return problem(
      `${JSON.stringify(text)} is not a name`,
      'write labels of letters, digits, - and _ with dots between, at most 253 characters',
    );
  }
  if (text.endsWith('.')) return parsed(name);
  if (name.length > 1)
    return problem(`${text} may be the whole name or not`, `write ${text}. if it is, one label if it is below ${formatName(domain)}`);
  const whole = parseName(formatName([...name, ...domain]));
  return whole === undefined
    ? problem(`${text} below ${formatName(domain)} is longer than 255 bytes`, 'choose a shorter name')
    : parsed(whole);
}

function readNumbered(text: string, names: readonly string[], example: string, domain: Name): Parsed<Buffer> {
  const words = text.split(' ');
  const numbers = words.slice(0, -1).map((word) => (/^(0|[1-9]\d{0,4})$/.test(word) ? Number(word) : -1));
  const fix = `write ${[...names, 'NAME'].join(' ')} with one blank between, such as ${example}`;
  if (words.length !== names.length + 1) return problem(`${JSON.stringify(text)} is not ${names.join(', ')} and a name`, fix);
  const wrong = numbers.findIndex((number) => number < 0 || number > 0xffff);
  if (wrong >= 0) return problem(`${names[wrong]} is ${JSON.stringify(words[wrong])}, not a number from 0 to 65535`, fix);
  return mapped(readTarget(words.at(-1) ?? '', domain, true), (name) => numberedNameData(numbers, name));
}

function readText(text: string): Parsed<Buffer> {
  const bytes = Buffer.from(text);
  if (bytes.length <= longestText) return parsed(textData(bytes));
  return problem(`the text has ${bytes.length} bytes`, `write at most ${longestText}`);
}

function mapped<T, U>(result: Parsed<T>, change: (value: T) => U): Parsed<U> {
  return result.ok ? parsed(change(result.value)) : result;
}
