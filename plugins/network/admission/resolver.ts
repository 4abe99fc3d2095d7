/** Rules for `resolver` of networks: servers that can be asked, and a prefix that IPv4 addresses fit into. */
import { formatPrefix, type IpAddress, parseIp, prefixContains, prefixesOverlap, type ResolverSpec } from '@weft/kernel/contract/net';
import { linkLocal, prefixes, readPrefix } from '../subnet.ts';
import type { Problem } from './refusals.ts';

/** RFC 6052 §2.2 allows others too; this one holds the whole address at its end, as DNS64 needs it to be readable. */
const dns64Length = 96;
/** RFC 6052 §2.2: bits 64 to 71 of every address are zero. */
const uOctet = 0xffn << 56n;
/** No name server is there: multicast, class E; and IPv4 inside IPv6, which has a form of its own. Which others are not asked is for the plugin dns to say. */
const nobody = prefixes('224.0.0.0/4', '240.0.0.0/4', '::ffff:0:0/96', 'ff00::/8');
/** Nor can made addresses be there: this host, loopback, links. */
const unfit = [...nobody, ...prefixes('::/96'), ...linkLocal];
const example = 'such as 64:ff9b::/96';

export function resolverProblems(resolver: ResolverSpec | undefined, pointer: string): readonly Problem[] {
  if (resolver === undefined) return [];
  return [...upstreamProblems(resolver.upstreams ?? [], `${pointer}/upstreams`), ...dns64Problems(resolver.dns64, `${pointer}/dns64`)];
}

function upstreamProblems(upstreams: readonly string[], pointer: string): readonly Problem[] {
  const seen = new Set<string>();
  return upstreams.flatMap((text, index) => {
    const at = `${pointer}/${index}`;
    const server = readServer(text);
    if (server === undefined) {
      const fix = 'write ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, such as 192.0.2.53 or [2001:db8::53]:5353';
      return [{ pointer: at, message: `${text} is not the address of a name server`, fix }];
    }
    const { address, l4Port } = server;
    const range = nobody.find((each) => prefixContains(each, address));
    if (range)
      return [
        { pointer: at, message: `${text} lies in ${formatPrefix(range)}, where no name server can be`, fix: 'name a unicast address' },
      ];
    const same = `${address.family} ${address.value} ${l4Port}`;
    if (seen.has(same)) return [{ pointer: at, message: `${text} is listed twice`, fix: 'list it once' }];
    seen.add(same);
    return [];
  });
}

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]` or `[2001:db8::53]:5353`. */
function readServer(text: string): { readonly address: IpAddress; readonly l4Port: number } | undefined {
  const [, bracketed, dotted, port = '53'] = /^(?:\[(.*)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = parseIp(bracketed ?? dotted ?? text);
  const l4Port = Number(port);
  if (address === undefined || (bracketed !== undefined && address.family === 4)) return undefined;
  return l4Port > 0 && l4Port < 65_536 ? { address, l4Port } : undefined;
}

function dns64Problems(text: string | undefined, pointer: string): readonly Problem[] {
  if (text === undefined) return [];
  const problems: Problem[] = [];
  const prefix = readPrefix(text, pointer, problems);
  if (prefix === undefined) return problems;
  if (prefix.family !== 6)
    return [{ pointer, message: `${text} is IPv4`, fix: `write an IPv6 prefix of length ${dns64Length}, ${example}` }];
  if (prefix.length !== dns64Length) {
    return [
      {
        pointer,
        message: `the length is ${prefix.length}, not ${dns64Length}`,
        fix: `write a prefix of length ${dns64Length}, ${example}`,
      },
    ];
  }
  if ((prefix.first & uOctet) !== 0n) {
    return [{ pointer, message: `bits 64 to 71 of ${text} are not zero (RFC 6052)`, fix: `choose a prefix where they are, ${example}` }];
  }
  const taboo = unfit.find((range) => prefixesOverlap(range, prefix));
  return taboo ? [{ pointer, message: `${text} lies in ${formatPrefix(taboo)}`, fix: `choose a unicast prefix, ${example}` }] : [];
}
