/** What clients are told beside addresses: the port's word goes before its subnet's, and that before the network's, field by field. */
import { type CustomDhcpOption, type DhcpOptions, type IpFamily, isIpv4 } from '@weft/kernel/contract/net';

export interface ToldOptions {
  /** Servers of the family asked for. */
  readonly ntp: readonly string[];
  /** Undefined when nobody says; empty where it is said that there is none. */
  readonly domainSearch: readonly string[] | undefined;
  /** Empty when there is none, like `bootFile`. */
  readonly tftpServerName: string;
  readonly bootFile: string;
  readonly tftpServers: readonly string[];
  /** Values of the family's custom options by code; each level adds to the next and replaces what has the same code. */
  readonly custom: ReadonlyMap<number, Buffer>;
}

/** `levels`: most specific first. An empty list is a word, too: it tells none. */
export function toldOptions(family: IpFamily, levels: readonly (DhcpOptions | undefined)[]): ToldOptions {
  const first = <Field extends keyof DhcpOptions>(field: Field): DhcpOptions[Field] | undefined =>
    levels.find((level) => level?.[field] !== undefined)?.[field];
  const ofFamily = (address: string): boolean => isIpv4(address) === (family === 4);
  const custom = levels.toReversed().flatMap((level) => level?.custom ?? []);
  return {
    ntp: (first('ntp') ?? []).filter(ofFamily),
    domainSearch: first('domainSearch'),
    tftpServerName: first('tftpServerName') ?? '',
    bootFile: first('bootFile') ?? '',
    tftpServers: (first('tftpServers') ?? []).filter(ofFamily),
    custom: new Map(custom.filter((option) => (option.family ?? 4) === family).map((option) => [option.code, bytesOf(option)])),
  };
}

function bytesOf({ hex, text }: CustomDhcpOption): Buffer {
  return hex === undefined ? Buffer.from(text ?? '', 'utf8') : Buffer.from(hex, 'hex');
}
