/** Which networks the plugin snat gives a way out, as its objects say: its rows are its own. */
import type { FloatingIp, LogicalRouter, Port, SnatPool } from '@weft/kernel/contract/net';
import type { ObjectCache } from '@weft/kernel/sdk';
import { membersOf } from '../admission/routers.ts';
import { networkOf, resolve, scopedName } from '../admission/world.ts';

/** Name of the uplink by `project/name` of the network: that of its router's pool, or of a floating IP of one of its ports. */
export function waysOut(cache: Pick<ObjectCache, 'list'>): ReadonlyMap<string, string> {
  const pools = new Map(cache.list<SnatPool>('SnatPool').map((pool) => [scopedName(pool), pool.status.uplink]));
  const ports = new Map(cache.list<Port>('Port').map((port) => [scopedName(port), networkOf(port)]));
  const ways = [
    ...cache.list<FloatingIp>('FloatingIp').map(({ metadata, spec, status }) => {
      return [ports.get(resolve(metadata.project, spec.target.port)), status.uplink] as const;
    }),
    ...cache.list<LogicalRouter>('LogicalRouter').flatMap((router) => {
      const { external } = router.spec;
      const uplink = external && pools.get(resolve(router.metadata.project, external.snatPool));
      return membersOf(router).map((network) => [network, uplink] as const);
    }),
  ];
  return new Map(ways.flatMap(([network, uplink]) => (network !== undefined && uplink ? [[network, uplink] as const] : [])));
}
