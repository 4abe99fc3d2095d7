/** Headers on their way to Nova and back. Pure. */
import { createHmac } from 'node:crypto';
import type { Nova } from './nova.ts';

export interface Identity {
  readonly instanceId: string;
  /** 32 hexadecimal digits. */
  readonly tenantId: string;
  /** The port's own address; absent when it has none. */
  readonly address?: string;
}

/** Name and value in turn, as Node takes and gives them. */
export type RawHeaders = readonly string[];

/** For one connection only (RFC 9110 §7.6.1), and what is said anew: Host, and Expect, which is answered here. */
const hopByHop = new Set(
  ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect', 'host'].concat([
    'proxy-authenticate',
    'proxy-authorization',
    'http2-settings',
  ]),
);

/** What only a proxy may say: who asks. A prefix stands for every name that begins with it. */
const oursAlone = ['forwarded', 'x-forwarded', 'x-instance-id', 'x-tenant-id', 'x-metadata-provider', 'x-real-ip', 'x-neutron-', 'x-ovn-'];

/** Of a VM's request, what goes on to Nova; with what proves who asks. `tokens`: the plugin asks for tokens itself, Nova does not see them. */
export function towardsNova(raw: RawHeaders, identity: Identity, { url, secret }: Pick<Nova, 'url' | 'secret'>, tokens: boolean): string[] {
  const { instanceId, tenantId, address } = identity;
  const isOurs = (name: string): boolean => {
    // Servers with CGI-like interfaces take _, and some any other sign, for -: to them x_instance.id is the same header.
    const plain = name.replaceAll(/[^a-z0-9]/g, '-');
    return oursAlone.some((prefix) => plain.startsWith(prefix)) || (tokens && plain.startsWith('x-aws-ec2-metadata-token'));
  };
  const signature = createHmac('sha256', secret).update(instanceId).digest('hex');
  return [
    ...['Host', url.host],
    ...without(raw, isOurs),
    ...['X-Instance-ID', instanceId, 'X-Instance-ID-Signature', signature, 'X-Tenant-ID', tenantId],
    ...(address === undefined ? [] : ['X-Forwarded-For', address]),
  ];
}

/** Of Nova's answer, what goes on to the VM. */
export function towardsVm(raw: RawHeaders): string[] {
  return without(raw, () => false);
}

function without(raw: RawHeaders, more: (name: string) => boolean): string[] {
  const named = connectionOptions(raw);
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [name = '', value = ''] = [raw[index], raw[index + 1]];
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower) && !named.has(lower) && !more(lower)) kept.push(name, value);
  }
  return kept;
}

/** Headers that the sender itself declares to be for this connection; those that say where a body ends are not his to declare. */
function connectionOptions(raw: RawHeaders): ReadonlySet<string> {
  const options = new Set<string>();
  for (let index = 0; index + 1 < raw.length; index += 2)
    if (raw[index]?.toLowerCase() === 'connection')
      for (const option of (raw[index + 1] ?? '').split(',')) options.add(option.trim().toLowerCase());
  options.delete('content-length');
  return options;
}
