/** Certificate and key of the API's TLS listener: the operator's own, or one made at the first start. The launcher reads them: they are root's alone. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { fail, type TlsHandoff } from '../../contract/system/index.ts';
import type { HostSettings } from '../config/index.ts';

type TlsSettings = HostSettings['api']['tls'];

const validDays = 3_650;

/** @returns undefined when the API shall not listen on the network */
export function tlsHandoff(settings: TlsSettings, stateDir: string, say: (line: string) => void): TlsHandoff | undefined {
  if (settings.listen === '') return undefined;
  const colon = settings.listen.lastIndexOf(':');
  const host = settings.listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  if ((settings.certificate === '') !== (settings.key === '')) {
    throw fail('INVALID', 'api.tls.certificate and api.tls.key belong together', 'set both, or neither: then Weft makes a certificate');
  }
  const files = settings.certificate === '' ? ownCertificate(join(stateDir, 'tls')) : settings;
  const certificate = read('api.tls.certificate', files.certificate);
  say(`API over TLS at ${settings.listen}, certificate ${files.certificate} (SHA-256 ${fingerprint(certificate, files.certificate)})`);
  return {
    host,
    port: Number(settings.listen.slice(colon + 1)),
    certificate,
    key: read('api.tls.key', files.key),
    ...(settings.clientCa === '' ? {} : { clientCa: read('api.tls.clientCa', settings.clientCa) }),
    ...(settings.crl === '' ? {} : { crl: read('api.tls.crl', settings.crl) }),
  };
}

function ownCertificate(folder: string): { certificate: string; key: string } {
  const files = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  if (existsSync(files.certificate) && existsSync(files.key)) return files;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => `IP:${address}`));
  const names = [`DNS:${hostname()}`, 'DNS:localhost', ...new Set(addresses)].join(',');
  const asked = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(validDays)];
  try {
    execFileSync(
      'openssl',
      [
        ...asked,
        '-subj',
        '/CN=Weft',
        '-addext',
        `subjectAltName=${names}`,
        '-keyout',
        `${files.key}.new`,
        '-out',
        `${files.certificate}.new`,
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
  } catch (cause) {
    throw fail(
      'INTERNAL',
      `no certificate could be made for the API: ${(cause as Error).message}`,
      'install openssl, or set api.tls.certificate and api.tls.key',
    );
  }
  chmodSync(`${files.key}.new`, 0o600);
  // the certificate last: it is there only with its key
  renameSync(`${files.key}.new`, files.key);
  renameSync(`${files.certificate}.new`, files.certificate);
  return files;
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw fail('INVALID', `${setting}: ${(cause as Error).message}`, 'name a PEM file that root can read');
  }
}

function fingerprint(certificate: string, path: string): string {
  try {
    return new X509Certificate(certificate).fingerprint256;
  } catch {
    throw fail('INVALID', `api.tls.certificate: ${path} holds no certificate`, 'name a PEM file');
  }
}
