/** How long a flow is remembered after its last packet. */
import { type Flow, stateOf } from './flows.ts';

const transitory = 240;

/** Seconds. */
export function lifetimeOf(flow: Flow, isDenied: boolean): number {
  if (isDenied) return transitory / 4;
  switch (flow.tuple.protocol) {
    case 6:
      return stateOf(flow) === 'established' ? 7440 : transitory;
    case 17:
      return 300;
    case 1:
    case 58:
      return 60;
    default:
      return 300;
  }
}

export const fragmentWait = 1;
export const fragmentKeep = 4;
