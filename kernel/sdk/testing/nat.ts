/** Shared addresses of the forwarder as a plugin sees them. A test sets what there is. */
import type { Handlers } from '../../bus/index.ts';
import type { ForwarderCalls, NatAddressStats, NatBlock, NatEvent } from '../../contract/net/index.ts';
import { fail } from '../../contract/system/index.ts';

type NatCalls = Pick<Handlers<ForwarderCalls>, 'nat.stats' | 'nat.blocks' | 'nat.events'>;

const eventsPerAnswer = 300;
const blocksPerPart = 100;

export class FakeNat {
  addresses: NatAddressStats[] = [];
  blocks: NatBlock[] = [];
  /** In the order of their sequence. */
  events: NatEvent[] = [];
  readonly #allowed: () => boolean;

  /** @param allowed whether the plugin may look at shared addresses */
  constructor(allowed: () => boolean) {
    this.#allowed = allowed;
  }

  handlers(): NatCalls {
    return {
      'nat.stats': () => {
        this.#assertAllowed();
        return { addresses: this.addresses };
      },
      'nat.blocks': ({ cursor = 0 }) => {
        this.#assertAllowed();
        const next = cursor + blocksPerPart;
        return { blocks: this.blocks.slice(cursor, next), ...(next < this.blocks.length ? { cursor: next } : {}) };
      },
      'nat.events': ({ after }) => {
        this.#assertAllowed();
        return { events: this.events.filter(({ sequence }) => sequence > after).slice(0, eventsPerAnswer) };
      },
    };
  }

  #assertAllowed(): void {
    if (this.#allowed()) return;
    throw fail('FORBIDDEN', 'this plugin may not look at shared addresses', 'only plugins that write rows of table nat_address may');
  }
}
