/** A site with an uplink, a pool and a floating IP of another tenant, for tests of what operations tell. */
import type { Flow, Port, Uplink } from '@weft/kernel/contract/net';
import type { OperationCall } from '@weft/kernel/sdk';
import { network, port, router, Store, uplink } from './store.ts';

export const ownMac = '02:11:11:11:11:11';
const metadata = { uid: 'u', revision: 1, generation: 1, createdAt: '' };
export const call = (project: string, projects?: readonly string[]): OperationCall => ({
  project,
  signal: new AbortController().signal,
  ...(projects === undefined ? {} : { projects }),
});

/** `default/web1` behind pool and floating IP of the uplink, `acme/db1` behind another floating IP. */
export function site(spec: Record<string, unknown> = {}): Store {
  const store = new Store();
  const core = router('core', 'red');
  store.apply([
    network('red', '10.1.0.0/24'),
    port('web1', { addresses: ['10.1.0.11'] }),
    uplink('public', spec),
    { ...core, spec: { ...core.spec, external: { snatPool: 'shared' } } },
    { ...network('blue', '10.2.0.0/24'), project: 'acme' },
    { ...port('db1', { network: 'blue', addresses: ['10.2.0.5'] }), project: 'acme' },
  ]);
  store.setStatus({ kind: 'Uplink', name: 'public' }, { mac: ownMac, phase: 'Active' });
  const add = (kind: string, project: string, name: string, of: object, status: object) =>
    store.objects.set(`${kind}/${project}/${name}`, {
      ...{ apiVersion: 'weft/v1', kind, metadata: { ...metadata, project, name }, spec: { ...of }, status: { ...status } },
    });
  add('SnatPool', 'default', 'shared', { addresses: ['203.0.113.1'] }, { id: 7, uplink: 'public' });
  add('FloatingIp', 'acme', 'db', { address: '203.0.113.30', target: { port: 'db1' } }, { uplink: 'public', inside: '10.2.0.5' });
  return store;
}

export const web = (store: Store): Port['status'] =>
  store.get<Port>({ kind: 'Port', project: 'default', name: 'web1' })?.status as Port['status'];
export const db = (store: Store): Port['status'] =>
  store.get<Port>({ kind: 'Port', project: 'acme', name: 'db1' })?.status as Port['status'];
export const out = (store: Store): Uplink['status'] => store.get<Uplink>({ kind: 'Uplink', name: 'public' })?.status as Uplink['status'];

export const flow = (fields: Partial<Flow>): Flow => ({
  ...{ event: 'listed', timeMs: 1_000, fromPort: 1, fromGeneration: 1, toPort: 2, toGeneration: 1 },
  ...{ protocol: 6, src: '10.1.0.11', dst: '198.51.100.9', srcPort: 40_000, dstPort: 443, state: 'established', action: 'allow' },
  ...{ packets: 10, bytes: 1_000, replyPackets: 9, replyBytes: 9_000, ageMs: 12_000, idleMs: 500 },
  ...fields,
});
