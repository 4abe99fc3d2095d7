/** `weft nat-pools`: how much of each address of the pools is in use. */
import type { OperationSpec } from '@weft/kernel/contract/system';
import type { OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import type { AddressUse } from '../metrics.ts';
import { sees } from './scope.ts';

const count = (description: string) => Type.Integer({ description });
const item = Type.Object({
  project: Type.String({ description: 'Project of the pool.' }),
  pool: Type.String({ description: 'Name of the SnatPool.' }),
  uplink: Type.String({ description: 'The Uplink behind which it is.' }),
  address: Type.String({ description: 'Outside address.' }),
  ports: count('Outside ports that may be given out; of an address of the host without those that its sockets have.'),
  blocked: count('Of them in blocks that belong to ports of VMs.'),
  tcp: count('Outside TCP ports in use, the wait before they are used anew included.'),
  udp: count('The same of UDP.'),
  icmp: count('ICMP identifiers in use.'),
  exhausted: count('New flows that found no outside port, since the forwarder started.'),
});
const output = Type.Object({ items: Type.Array(item, { description: 'One for each address.' }) });

export const poolsSpec: OperationSpec = {
  name: 'pools',
  summary: 'Addresses of SnatPools, with the outside ports that are leased, in blocks and in use',
  stream: false,
  viewer: true,
  bundle: true,
  input: Type.Object({}, { additionalProperties: false }),
  output,
  cli: {
    verb: 'nat-pools',
    columns: [
      { title: 'PROJECT', pointer: '/project' },
      { title: 'POOL', pointer: '/pool' },
      { title: 'UPLINK', pointer: '/uplink' },
      { title: 'ADDRESS', pointer: '/address' },
      { title: 'PORTS', pointer: '/ports' },
      { title: 'BLOCKED', pointer: '/blocked' },
      { title: 'TCP', pointer: '/tcp' },
      { title: 'UDP', pointer: '/udp' },
      { title: 'ICMP', pointer: '/icmp' },
      { title: 'EXHAUSTED', pointer: '/exhausted' },
    ],
  },
};

export function listPools(uses: readonly (AddressUse & { readonly uplink: string })[], call: OperationCall): Static<typeof output> {
  const items = uses.map(({ poolName, uplink, address, ports, blocked, tcp, udp, icmp, exhausted }) => {
    const [project = '', pool = ''] = poolName.split('/');
    return { project, pool, uplink, address, ports, blocked, tcp, udp, icmp, exhausted };
  });
  return { items: items.filter(({ project }) => sees(call, project)) };
}
