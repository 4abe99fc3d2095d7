/** What the operator is told of a failed request to Nova. No text comes from the network. Pure. */

import { deniedCode } from './addresses.ts';

const notHttp = 'does not speak HTTP: is nova.url https?';

const meanings: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections: does the Nova metadata API run there?',
  ENOTFOUND: 'has a name that does not resolve: correct nova.url, or the resolvers of the appliance',
  EAI_AGAIN: 'has a name that cannot be resolved now: look at the resolvers of the appliance',
  EHOSTUNREACH: 'is not reached: look at the routes of the appliance',
  ENETUNREACH: 'is not reached: look at the routes of the appliance',
  ETIMEDOUT: 'does not answer',
  ECONNRESET: 'breaks connections off',
  [deniedCode]: 'has a name whose addresses are all denied by the setting deniedUpstreams of the plugin: name another server',
  EPIPE: 'breaks connections off',
  EPROTO: 'does not speak TLS as it should: is nova.url http, or does it want a client certificate?',
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name than that in nova.url',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate that nobody known vouches for: set nova.caRef',
  SELF_SIGNED_CERT_IN_CHAIN: 'has a certificate that nobody known vouches for: set nova.caRef',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a certificate that nobody known vouches for: set nova.caRef',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'has a certificate that nobody known vouches for: set nova.caRef',
};

/** @param origin scheme, host and port of Nova */
export function failureText(origin: string, code: string | undefined): string {
  return `${origin} ${meaningOf(code ?? '')}`;
}

export function timeoutText(origin: string, timeoutMs: number): string {
  return `${origin} did not answer within ${timeoutMs} ms`;
}

export function forbiddenText(origin: string): string {
  return `${origin} refuses the signature (403): is the secret its metadata_proxy_shared_secret?`;
}

/** It answered with a status that is none. */
export function notHttpText(origin: string): string {
  return `${origin} ${notHttp}`;
}

function meaningOf(code: string): string {
  const meaning = meanings[code];
  if (meaning !== undefined) return meaning;
  if (code.startsWith('HPE_')) return notHttp;
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return `does not agree on TLS (${code})`;
  return code === '' ? 'fails' : `fails (${code})`;
}
