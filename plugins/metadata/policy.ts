/** How a network is answered. Pure. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import { type Claims, scopeClaim } from './claims.ts';
import type { MetadataConfig } from './config.ts';
import type { Metadata } from './kinds.ts';

export interface Policy {
  readonly mode: Metadata['spec']['mode'];
  readonly requireToken: boolean;
  /** The object that says so; absent: the settings do. */
  readonly metadata?: Metadata;
}

/** The network's own Metadata before its project's before the settings. Whose port asks does not matter. */
export function policyOf(
  { metadata: { project, name } }: Pick<VirtualNetwork, 'metadata'>,
  claims: Pick<Claims, 'get'>,
  config: Pick<MetadataConfig, 'mode'>,
): Policy {
  const metadata = claims.get<Metadata>(scopeClaim(project, name)) ?? claims.get<Metadata>(scopeClaim(project));
  if (metadata === undefined) return { mode: config.mode, requireToken: false };
  const { mode, requireToken } = metadata.spec;
  return { mode, requireToken, metadata };
}
