/** Names of the VMs, records that a tenant adds, and names of the outside, asked by dig. */
import { type Check, type Exec, prints } from './check.ts';

const record = (name: string, owner: string, type: string, ...data: string[]) => ({
  kind: 'DnsRecord',
  metadata: { name, project: 'acme' },
  spec: { network: 'office', name: owner, type, data },
});

/** One of each type. */
export const records: readonly object[] = [
  record('api-v4', 'api', 'A', '10.1.0.80'),
  record('api-v6', 'api', 'AAAA', '2001:db8:1::80'),
  record('www', 'www', 'CNAME', 'web'),
  record('mail', '@', 'MX', '10 mail'),
  record('sip', '_sip._tcp', 'SRV', '0 5 5060 web'),
  record('text', '@', 'TXT', 'hello from weft'),
  record('api-back', '10.1.0.80', 'PTR', 'api'),
];

function dig(exec: Exec, vm: string, query: readonly string[], wanted: string, server = '10.1.0.1'): Check {
  const asked = ['dig', '+short', '+tries=2', '+time=3', `@${server}`, ...query];
  return prints(exec, vm, `dig ${query.join(' ')}${server === '10.1.0.1' ? '' : ` @${server}`}`, asked, wanted);
}

export function names(exec: Exec): Check[] {
  return [
    dig(exec, 'acme-web', ['db.acme.example'], '10.1.0.12'),
    dig(exec, 'acme-web', ['db'], '10.1.0.12'),
    dig(exec, 'acme-web', ['-x', '10.1.0.12'], 'db.acme.example.'),
    dig(exec, 'globex-web', ['-x', '10.1.0.12'], 'db.globex.example.'),
    dig(exec, 'globex-web', ['db.acme.example'], ''),
    dig(exec, 'acme-web', ['db.acme.example', 'AAAA'], '2001:db8:1::12'),
    dig(exec, 'acme-web', ['-x', '2001:db8:1::12'], 'db.acme.example.'),
    dig(exec, 'globex-web', ['-x', '2001:db8:1::12'], 'db.globex.example.'),
    dig(exec, 'acme-web', ['+tcp', 'db.acme.example', 'AAAA'], '2001:db8:1::12'),
    dig(exec, 'globex-six', ['six.six.globex.example', 'AAAA'], '2001:db8:6::11', '2001:db8:6::1'),
    dig(exec, 'globex-six', ['+tcp', '-x', '2001:db8:6::11'], 'six.six.globex.example.', '2001:db8:6::1'),
    dig(exec, 'acme-web', ['api.acme.example', 'A'], '10.1.0.80'),
    dig(exec, 'acme-web', ['api.acme.example', 'AAAA'], '2001:db8:1::80'),
    dig(exec, 'acme-web', ['www.acme.example', 'A'], 'web.acme.example.\n10.1.0.11'),
    dig(exec, 'acme-web', ['acme.example', 'MX'], '10 mail.acme.example.'),
    dig(exec, 'acme-web', ['_sip._tcp.acme.example', 'SRV'], '0 5 5060 web.acme.example.'),
    dig(exec, 'acme-web', ['acme.example', 'TXT'], '"hello from weft"'),
    dig(exec, 'acme-web', ['-x', '10.1.0.80'], 'api.acme.example.'),
    dig(exec, 'globex-web', ['api.acme.example', 'A'], ''),
    dig(exec, 'acme-web', ['www.upstream.test'], '203.0.113.80'),
    dig(exec, 'acme-web', ['+tcp', 'www.upstream.test'], '203.0.113.80'),
  ];
}
