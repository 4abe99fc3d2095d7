/** A scenario at random: all of it follows from the seed. */
import type { TcpPickup } from '../model/world.ts';
import { Dice } from './dice.ts';
import { withObjects } from './random-objects.ts';
import { PacketSource } from './random-packets.ts';
import { changedSite, randomSite } from './random-site.ts';
import type { Scenario, Step } from './scenario.ts';

/** Seconds: shorter and longer than all sorts of flows live. */
const jumps = [2, 10, 50, 55, 65, 180, 230, 250, 290, 310, 7_400, 7_500];
const pickups: readonly TcpPickup[] = ['forward', 'forward', 'either', 'never'];

export interface Size {
  readonly packets: number;
  /** Changes of rules and ports for 1000 steps. Default: 12. */
  readonly changes?: number;
  /** Rules come from objects SecurityGroup, through the compiler. */
  readonly fromObjects?: boolean;
}

export function randomScenario(seed: number, { packets, changes = 12, fromObjects = false }: Size): Scenario {
  const dice = new Dice(seed);
  let drawn = randomSite(dice);
  let site = fromObjects ? withObjects(dice, drawn) : drawn;
  const source = new PacketSource(dice, site);
  const steps: Step[] = [{ kind: 'change', site }];
  const pickup = dice.pick(pickups);
  for (let count = 0; count < packets; ) {
    const sort = dice.below(1000);
    if (sort < changes) {
      const before = { drawn, site };
      drawn = changedSite(dice, drawn);
      site = fromObjects ? withObjects(dice, drawn, before) : drawn;
      source.site = site;
      steps.push({ kind: 'change', site });
    } else if (sort < changes + 4) {
      steps.push({ kind: 'flows' }, { kind: 'time', seconds: dice.pick(jumps) }, { kind: 'flows' });
    } else {
      steps.push({ kind: 'packet', packet: source.next() });
      count++;
    }
  }
  return { seed, pickup, steps: [...steps, { kind: 'flows' }] };
}
