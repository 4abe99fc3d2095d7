/** The resolver as the settings want it, with real sockets. */
import { deniedPrefixes, isDenied, type PluginContext } from '@weft/kernel/sdk';
import { configuredUpstreams, type DnsConfig } from '../config.ts';
import { hostClock } from './clock.ts';
import type { Exchange } from './exchange.ts';
import { showUpstreams } from './operation.ts';
import { Resolver } from './resolver.ts';
import { supervise } from './supervise.ts';
import { TcpTransport, tcpLimits } from './tcp.ts';
import { exchangeOverUdp } from './udp.ts';
import { formatUpstream, hostUpstreams, type Upstream } from './upstream.ts';

const resolvConf = '/etc/resolv.conf';

/** Throws INVALID for a setting that names no upstream. */
export function setUpResolver(context: PluginContext<DnsConfig>) {
  const { config, objects } = context;
  const fixed = configuredUpstreams(config);
  const prefixes = deniedPrefixes(context.name, config.deniedUpstreams);
  const denied = ({ address }: Upstream): boolean => isDenied(prefixes, address);
  const upstreams = fixed === undefined ? hostUpstreams(resolvConf, hostClock.now) : () => fixed;
  const cache = {
    entries: config.cacheEntries,
    bytes: config.cacheMib * 2 ** 20,
    minSeconds: config.cacheMinSeconds,
    maxSeconds: config.cacheMaxSeconds,
    maxNegativeSeconds: config.cacheNegativeMaxSeconds,
    staleSeconds: config.staleSeconds,
    failureSeconds: config.failureSeconds,
  };
  // Each upstream can take all questions that may be under way, and those that networks name never take the connections of the plugin's own.
  const limits = { ...tcpLimits, perConnection: Math.ceil(config.maxInFlight / tcpLimits.perUpstream) };
  const [ownTcp, othersTcp] = [new TcpTransport(hostClock, limits), new TcpTransport(hostClock, limits)];
  const isOwn = (upstream: Upstream): boolean => upstreams().some((own) => formatUpstream(own) === formatUpstream(upstream));
  const tcp: Exchange = (upstream, ...rest) => (isOwn(upstream) ? ownTcp : othersTcp).exchange(upstream, ...rest);
  const resolver = new Resolver({ ...config, cache, denied }, upstreams, { udp: exchangeOverUdp, tcp }, hostClock);
  supervise(resolver, upstreams, context);
  return {
    resolver,
    /** The operation `upstreams`. */
    show: showUpstreams(resolver.fleet, { upstreams, denied, objects, now: hostClock.now }),
    gauges: () => ({ ...resolver.held, states: upstreams().map((upstream) => resolver.fleet.of(upstream).state) }),
    stop: (): void => {
      resolver.fleet.stop();
      ownTcp.close();
      othersTcp.close();
    },
  };
}
