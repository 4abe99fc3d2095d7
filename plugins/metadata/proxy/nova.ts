/** What a Metadata object says of Nova, with the secrets it names: checked, or what is wrong with it. Pure. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { formatKey, type ObjectKey, referencedKey, type WeftObject } from '@weft/kernel/contract/system';
import { type DeniedPrefixes, isDenied } from '@weft/kernel/sdk';
import type { NovaSpec } from '../kinds.ts';

export type Secret = WeftObject<{ readonly data?: Readonly<Record<string, string>> }, object>;
export type FindSecret = (key: ObjectKey) => Secret | undefined;

export interface Nova {
  readonly url: URL;
  /** Shared with Nova. */
  readonly secret: string;
  readonly timeoutMs: number;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** `pointer` leads into the Metadata object. No text holds a value of a secret. */
export interface Problem {
  readonly pointer: string;
  readonly message: string;
  readonly fix: string;
}

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };
type Values = Readonly<Record<string, string>>;

const defaultTimeoutMs = 10_000;

export function resolveNova(spec: NovaSpec, project: string | undefined, find: FindSecret, denied: DeniedPrefixes): Outcome<Nova> {
  const url = parseUrl(spec.url, denied);
  if (!url.ok) return url;
  const read = (field: 'secretRef' | 'caRef' | 'clientCertificateRef', names: readonly string[]) =>
    readSecret(spec, field, names, project, find);
  const shared = read('secretRef', ['secret']);
  if (!shared.ok) return shared;
  const ca = read('caRef', ['ca']);
  if (!ca.ok) return ca;
  const client = read('clientCertificateRef', ['certificate', 'key']);
  if (!client.ok) return client;
  const nova: Nova = {
    url: url.value,
    secret: shared.value.secret ?? '',
    timeoutMs: spec.timeoutMs ?? defaultTimeoutMs,
    ...ca.value,
    ...client.value,
  };
  const unfit = unfitPem(nova);
  return unfit === undefined ? { ok: true, value: nova } : { ok: false, problem: unfit };
}

/** Names are looked at again at each connection: `addresses.ts`. */
function parseUrl(text: string, denied: DeniedPrefixes): Outcome<URL> {
  const wrong = (message: string, fix: string) => ({ ok: false, problem: { pointer: '/spec/nova/url', message, fix } }) as const;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '')
    return wrong(`${JSON.stringify(text)} is no http or https URL with a host`, 'write such as http://192.0.2.10:8775');
  if (url.username !== '' || url.password !== '')
    return wrong('a URL with a user or password in it', 'leave them out: the shared secret says who asks');
  if (url.search !== '' || url.hash !== '')
    return wrong('a URL with a query or fragment', 'end it with the path: what VMs ask for is put behind it');
  const host = bareHost(url);
  if (isDenied(denied, host)) return wrong(`${host} is denied by the setting deniedUpstreams of the plugin`, 'name another server');
  return { ok: true, value: url };
}

/** An IPv6 address without its brackets. */
export function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** The values by name; none when the field is absent. */
function readSecret(
  spec: NovaSpec,
  field: 'secretRef' | 'caRef' | 'clientCertificateRef',
  names: readonly string[],
  project: string | undefined,
  find: FindSecret,
): Outcome<Values> {
  const reference = spec[field];
  if (reference === undefined) return { ok: true, value: {} };
  const key = referencedKey('Secret', reference, project);
  const data = find(key)?.spec.data;
  const only = names.length === 1 ? onlyValue(data) : undefined;
  const values = names.map((name) => data?.[name] ?? only ?? '');
  const missing = names.find((_name, index) => values[index] === '');
  if (missing === undefined) return { ok: true, value: Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) };
  const message = `${formatKey(key)} has no value "${missing}"`;
  return { ok: false, problem: { pointer: `/spec/nova/${field}`, message, fix: `put it into data.${missing} of the Secret` } };
}

function onlyValue(data: Values | undefined): string | undefined {
  const values = Object.values(data ?? {});
  return values.length === 1 ? values[0] : undefined;
}

/** What OpenSSL says of a bad PEM may quote it: our own words instead. */
function unfitPem({ ca, certificate, key }: Nova): Problem | undefined {
  if (ca !== undefined && !passes(() => new X509Certificate(ca)))
    return { pointer: '/spec/nova/caRef', message: 'the value "ca" is no certificate', fix: 'put certificates there, in PEM' };
  if (certificate === undefined || key === undefined || passes(() => createSecureContext({ cert: certificate, key }))) return undefined;
  const message = 'the values "certificate" and "key" are no pair';
  return { pointer: '/spec/nova/clientCertificateRef', message, fix: 'put a certificate and its unencrypted private key there, in PEM' };
}

function passes(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
