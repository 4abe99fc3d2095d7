/** What the group `default` says that every project has, while nobody has changed it. */
import { defaultGroup } from '@weft/kernel/contract/net';
import type { SecurityRule } from './kinds.ts';

/** Everything out, and in from each other. */
export const defaultRules: readonly SecurityRule[] = [
  { direction: 'egress', protocol: 'any' },
  { direction: 'ingress', protocol: 'any', remote: { group: defaultGroup } },
];
