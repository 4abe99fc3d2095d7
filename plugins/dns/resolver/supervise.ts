/** What follows from the health of upstreams: an alarm when none of the plugin's list answers, and a second chance for questions when one comes back. */
import type { PluginContext } from '@weft/kernel/sdk';
import type { Resolver } from './resolver.ts';
import { formatUpstream, type Upstream } from './upstream.ts';

const alarmKey = 'upstreams';

type Host = Pick<PluginContext<unknown>, 'alarm' | 'log'>;

export function supervise(resolver: Pick<Resolver, 'fleet' | 'forgetFailures'>, upstreams: () => readonly Upstream[], host: Host): void {
  const { fleet } = resolver;
  /** Undefined: an alarm of the process before this one may stand. */
  let raised: boolean | undefined;
  const check = (): void => {
    const list = upstreams();
    fleet.keep(list);
    const all = list.map((upstream) => fleet.of(upstream));
    const silent = all.length > 0 && all.every(({ state }) => state === 'down');
    const heard = raised === true || all.some(({ state }) => state === 'up');
    if (silent === raised || !(silent || heard)) return;
    raised = silent;
    const each = all.map(({ upstream, lastError }) => `${formatUpstream(upstream)} (${lastError})`).join(', ');
    const text = `no upstream answers: ${each}; names of the outside are not found: see weft upstreams, and the setting upstreams of plugin dns`;
    void host.alarm(alarmKey, silent ? { severity: 'critical', subject: 'plugin dns', text } : null);
  };
  fleet.onState = (health, before) => {
    const { upstream, state, lastError } = health;
    host.log.info({ upstream: formatUpstream(upstream), state, before, lastError }, 'upstream');
    if (state === 'up' && before !== 'unknown') resolver.forgetFailures();
    check();
  };
  check();
}
