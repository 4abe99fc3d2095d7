/**
 * Compares the #include edges between the files of forwarder/src with the layers below: a file includes from its own layer and those under it.
 * Usage: node forwarder/tools/check-includes.ts; exits 1 naming each edge that points up and each file without a layer.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Lowest first. A module is a file's name without its ending. */
export const layers: readonly (readonly string[])[] = [
  [
    'layout',
    'layout.gen',
    'log',
    'drop',
    'netlink',
    'netns',
    'netns_named',
    'keeper',
    'checksum',
    'service_peer',
    'uplink_filter',
    'uplink_filter_sort',
    'uplink_filter_table',
    'uplink_filter_text',
  ],
  ['service_netns'],
  ['error', 'parse', 'capture_filter', 'capture_ring', 'stats'],
  ['rcu', 'decode', 'life', 'policy_ranges'],
  [
    'arena',
    'arena_map',
    'journal',
    'index',
    'gateways',
    'lpm',
    'lpm_flat',
    'lpm_node',
    'lpm_update',
    'policy_handle',
    'policy_ports',
    'policy_prefixes',
    'policy_rules',
    'policy_work',
  ],
  ['store', 'nexthop', 'uplink_rows', 'flow_table', 'flow_pairs', 'flow_state', 'flow_tcp', 'flow_key', 'quote'],
  ['batch', 'fib', 'service'],
  [
    'tables',
    'tables_update',
    'guard',
    'nat',
    'policy',
    'policy_groups',
    'policy_identities',
    'policy_plan',
    'policy_side',
    'policy_state',
    'policy_update',
  ],
  ['publish'],
  ['rows'],
  // Ports, their I/O and the threads that serve them know each other.
  [
    'port',
    'limit',
    'fragment',
    'answer',
    'tcp_reset',
    'icmp_error',
    'ring',
    'handover',
    'inject',
    'pool',
    'io',
    'io_ethdev',
    'io_packet',
    'io_tap',
    'io_vhost',
    'io_vlan',
    'vhost',
    'vhost_connection',
    'vhost_pool',
    'vhost_socket',
    'nat_rewrite',
    'offload',
    'receiver',
    'vnet',
    'veth',
    'binding',
    'link',
    'link_queue',
    'closer',
    'punt',
    'service_error',
    'service_port',
    'service_socket',
    'capture',
    'trace',
    'trace_stage',
    'trace_names',
    'worker',
    'dataplane',
    'tx',
    'pipeline',
    'burst',
    'burst_nat',
    'stage',
    'learn',
    'learned',
    'uplink',
    'uplink_own',
    'uplink_announce',
    'uplink_frame',
    'uplink_held',
    'uplink_hold',
    'uplink_neighbors',
    'uplink_ports',
    'uplink_say',
    'uplink_watch',
    'flow',
    'flow_act',
    'flow_age',
    'flow_attach',
    'flow_copy',
    'flow_event',
    'flow_fragment',
    'flow_fragment_cover',
    'flow_fragment_read',
    'flow_fragment_table',
    'flow_judge',
    'flow_life',
    'flow_nat',
    'flow_nat_hold',
    'flow_own',
    'flow_queue',
    'flow_read',
    'flow_share',
    'uplink_address',
    'uplink_bind',
    'uplink_host',
    'uplink_interface',
    'uplink_keep',
    'uplink_owned',
    'uplink_unit',
    'nat_map',
    'nat_map_age',
    'nat_map_block',
    'nat_map_endpoint',
    'nat_map_event',
    'nat_map_host',
    'nat_map_own',
    'nat_map_place',
    'nat_map_plan',
    'nat_map_read',
    'nat_map_start',
    'nat_map_use',
    'flow_outside',
  ],
  // The steps of a packet's walk.
  ['arp', 'nd', 'nd_message', 'nd_underlay', 'neighbor', 'bridge', 'check', 'icmp', 'route', 'steer', 'underlay', 'vlan'],
  ['eal'],
  ['api', 'api_flows', 'api_nat', 'api_observe', 'api_policy', 'api_rows', 'api_service'],
];

export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

const moduleOf = (file: string): string => file.replace(/\.(c|h|def)$/, '');
const layerOf = (file: string): number => layers.findIndex((layer) => layer.includes(moduleOf(file)));

/** One sentence for each fault. */
export function includeFaults(files: readonly SourceFile[]): string[] {
  const faults: string[] = [];
  for (const file of files) {
    const layer = layerOf(file.name);
    if (layer < 0) faults.push(`src/${file.name} has no layer: add it to forwarder/tools/check-includes.ts`);
    for (const [, included = ''] of file.text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)) {
      if (included === 'forwarder.h' || layer < 0) continue;
      const target = layerOf(included);
      if (target < 0) faults.push(`src/${file.name} includes "${included}", which has no layer`);
      else if (target > layer)
        faults.push(`src/${file.name} includes "${included}" from a higher layer: move it down or turn the call round`);
    }
  }
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(import.meta.dirname, '../src');
  const names = readdirSync(folder).filter((name) => /\.(c|h)$/.test(name));
  const faults = includeFaults(names.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })));
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
