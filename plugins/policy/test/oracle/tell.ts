/** Scenarios for people: a line for each step. */
import { formatIp, formatPrefix } from '@weft/kernel/contract/net';
import type { Port } from '../model/forwarding.ts';
import type { Packet } from '../model/packet.ts';
import type { Rule } from '../model/rules.ts';
import type { Scenario, Site, Step } from './scenario.ts';

function tellRule({ direction, action, priority, family, protocol, least, most, remote, number }: Rule): string {
  const from = remote === undefined ? 'any' : 'group' in remote ? `group ${remote.group}` : formatPrefix(remote.prefix);
  return `    ${number}: ${direction} ${action} priority ${priority} IPv${family} protocol ${protocol} ${least}-${most} remote ${from}`;
}

function tellPort({ id, network, mac, generation, isSecured, asks, memberships, addresses, owns, routes }: Port): string {
  const groups = asks ? (memberships?.map(({ group, gate }) => `${group}${gate === 1 ? '' : `@${gate}`}`).join(' ') ?? 'pending') : 'open';
  const prefixes = (each: readonly Parameters<typeof formatPrefix>[0][]) => each.map(formatPrefix).join(' ');
  return `  port ${id}.${generation} in ${network} ${mac} ${addresses.map(formatIp).join(' ')}${isSecured ? ' secured' : ''} groups [${groups}] owns ${prefixes(owns)} routes ${prefixes(routes)}`;
}

function tellSite({ ports, groups }: Site): string {
  return [...ports.map(tellPort), ...[...groups].flatMap(([group, rules]) => [`  group ${group}`, ...rules.map(tellRule)])].join('\n');
}

export function tellPacket(packet: Packet): string {
  const { port, srcMac, dstMac, src, dst, protocol, srcPort, dstPort, tcp, icmp, fragment } = packet;
  const ports = srcPort === undefined ? '' : ` ${srcPort}>${dstPort}`;
  const segment = tcp ? ` flags ${tcp.flags} seq ${tcp.seq} ack ${tcp.ack} length ${tcp.length}` : '';
  const message = icmp ? ` type ${icmp.type} code ${icmp.code} id ${icmp.id}` : '';
  const quote = icmp?.quote ? ` quoting ${icmp.quote.bytes} of (${tellPacket(icmp.quote.packet)})` : '';
  return `packet in ${port} ${srcMac}>${dstMac} ${formatIp(src)}>${formatIp(dst)} protocol ${protocol}${ports}${segment}${message}${quote}${fragment ? ` fragment ${JSON.stringify(fragment)}` : ''}`;
}

function tellStep(step: Step, before: Site | undefined): string {
  switch (step.kind) {
    case 'change': {
      const known = new Set(before ? tellSite(before).split('\n') : []);
      return `change\n${tellSite(step.site)
        .split('\n')
        .filter((line) => !known.has(line) || /^ {2}group/.test(line))
        .join('\n')}`;
    }
    case 'packet':
      return tellPacket(step.packet);
    case 'time':
      return `${step.seconds} seconds pass`;
    case 'flows':
      return 'flows';
  }
}

export function tellScenario({ seed, pickup, steps }: Scenario): string {
  const sites = steps.map((_, index) => steps.slice(0, index).findLast((each) => each.kind === 'change'));
  const lines = steps.map((step, index) => {
    const before = sites[index];
    return tellStep(step, before?.kind === 'change' ? before.site : undefined);
  });
  return [`seed ${seed}, tcp pickup ${pickup}`, ...lines].join('\n');
}
