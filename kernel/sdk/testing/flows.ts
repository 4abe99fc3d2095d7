/** The forwarder's flows as a plugin sees them. A test sets what there is and tells what happens. */
import type { CallContext, Handlers } from '../../bus/index.ts';
import { canonicalIp, type Flow, type FlowFilter, type FlowStats, type ForwarderCalls, type RuleStats } from '../../contract/net/index.ts';
import { fail } from '../../contract/system/index.ts';
import { Feed } from './feed.ts';

type FlowCalls = Pick<Handlers<ForwarderCalls>, 'flows.read' | 'flows.stats' | 'flows.watch' | 'rules.stats'>;
interface News {
  readonly flows: readonly Flow[];
  readonly lost: number;
}

const flowsPerPart = 100;

export class FakeFlows {
  /** Those that `flows.read` finds. */
  all: readonly Flow[] = [];
  stats: FlowStats = { capacity: 1_000, used: 0, added: 0, expired: 0, evicted: 0, kept: 0, redecided: 0, eventsLost: 0 };
  rules: readonly RuleStats[] = [];
  readonly #denials = new Feed<News>();
  readonly #everything = new Feed<News>();
  readonly #allowed: () => boolean;

  /** @param allowed whether the plugin may look at flows */
  constructor(allowed: () => boolean) {
    this.#allowed = allowed;
  }

  /** How many watch now: all of them, and those that follow what begins and ends. */
  get watchers(): { readonly all: number; readonly following: number } {
    const following = this.#everything.listeners;
    return { all: this.#denials.listeners + following, following };
  }

  /** It happens to these flows: who does not follow is told of denials only. `lost`: since the plugin began to watch. */
  tell(flows: readonly Flow[], lost = 0): void {
    this.#everything.tell({ flows, lost });
    this.#denials.tell({ flows: flows.filter(({ event }) => event === 'denied'), lost });
  }

  handlers(): FlowCalls {
    return {
      'flows.read': ({ filter = {}, cursor = 0 }) => {
        this.#assertAllowed();
        const fitting = this.all.filter((flow) => fits(flow, filter));
        const next = cursor + flowsPerPart;
        return { flows: fitting.slice(cursor, next), ...(next < fitting.length ? { cursor: next } : {}) };
      },
      'flows.stats': () => {
        this.#assertAllowed();
        return this.stats;
      },
      'flows.watch': ({ follow = false }, { signal }: CallContext) => {
        this.#assertAllowed();
        return (follow ? this.#everything : this.#denials).follow({ flows: [], lost: 0 }, signal);
      },
      'rules.stats': () => {
        this.#assertAllowed();
        return { rules: this.rules };
      },
    };
  }

  #assertAllowed(): void {
    if (this.#allowed()) return;
    throw fail('FORBIDDEN', 'this plugin may not look at flows', 'only plugins that write rows of table port or rule may');
  }
}

function fits(flow: Flow, { port, protocol, address, l4Port }: FlowFilter): boolean {
  const hasEnd = <T>(wanted: T | undefined, ...ends: readonly T[]): boolean => wanted === undefined || ends.includes(wanted);
  return (
    hasEnd(port, flow.fromPort, flow.toPort) &&
    hasEnd(protocol, flow.protocol) &&
    hasEnd(address === undefined ? undefined : canonicalIp(address), flow.src, flow.dst) &&
    hasEnd(l4Port, flow.srcPort, flow.dstPort)
  );
}
