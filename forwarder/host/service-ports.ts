/**
 * The service ports: one for each plugin with `grants.servicePort`, as rows of the forwarder's own, so that they and the namespaces behind them, which
 * libforwarder makes and removes with the rows, outlive Worker, forwarder and plugin.
 */
import { bindingTypes, type PortRow, packDelete, packUpsert, portFlags, servicePortId } from '@weft/kernel/contract/net';
import type { HostRows } from './host-rows.ts';

/** The kernel at the far end makes shorter packets for VMs by itself. */
const mtu = 9_000;
const serviceInterface = 'service0';

function portRow(plugin: string, owner: number, linkTag: string): PortRow {
  return {
    ...{ table: 'port', id: servicePortId(owner), bridge: 0, parent: owner, flags: portFlags.service },
    ...{ mac: `02:77:66:00:00:${owner.toString(16).padStart(2, '0')}`, mtu, vlan: 0, binding: bindingTypes.netns },
    ...{ interface: serviceInterface, netns: `weft-${linkTag}-${plugin}`, socket: '' },
  };
}

export class ServicePorts {
  readonly #rows: HostRows;
  readonly #linkTag: string;

  constructor(rows: HostRows, linkTag: string) {
    this.#rows = rows;
    this.#linkTag = linkTag;
  }

  /** Makes the rows match: a port for each of these plugins and for no other. Throws what libforwarder refuses. */
  set(plugins: readonly string[]): void {
    const wanted = plugins.map((plugin) => portRow(plugin, this.#rows.ownerOpen(plugin), this.#linkTag));
    const ids = new Set(wanted.map(({ id }) => id));
    const gone = this.#rows.read('port').filter(({ id }) => !ids.has(id));
    this.#rows.apply([...gone.map(({ id }) => packDelete({ table: 'port', id })), ...wanted.map(packUpsert)]);
  }
}
