/** What DnsRecords say of themselves after their network changed. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import { formatKey, keyOf, type ObjectKey } from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';
import type { DnsRecord, DnsRecordStatus } from '../kinds.ts';
import { formatName } from '../message/name.ts';
import type { Directory } from './directory.ts';
import { placeOf } from './record.ts';

export function statusOf(record: DnsRecord, network: VirtualNetwork): DnsRecordStatus {
  const place = placeOf(record, network);
  if ('owner' in place) return { fqdn: formatName(place.owner), reason: '' };
  return { fqdn: '', reason: place.map(({ message }) => message).join('; ') };
}

/** Those whose status is no longer true because of changes of networks. */
export function staleStatuses(
  changed: readonly ObjectKey[],
  objects: ObjectCache,
  directory: Pick<Directory, 'records'>,
): readonly { key: ObjectKey; status: Record<string, unknown> }[] {
  return changed.flatMap((key) => {
    const network = key.kind === 'VirtualNetwork' ? objects.get<VirtualNetwork>(key) : undefined;
    if (network === undefined) return [];
    return [...directory.records(formatKey(key)).values()].flatMap((record) => {
      const { fqdn, reason } = statusOf(record, network);
      const same = record.status.fqdn === fqdn && record.status.reason === reason;
      return same ? [] : [{ key: keyOf(record), status: { fqdn, reason } }];
    });
  });
}
