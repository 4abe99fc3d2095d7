/** Which groups ports follow: the plugin `network` marks ports by it, the plugin `policy` compiles by it. */
import type { Port } from './kinds.ts';

/** Name of the group of each project that ports follow which name none. */
export const defaultGroup = 'default';

/** Whether rules say what passes a port. One without security that names no group is open. */
export function followsGroups({ spec }: Pick<Port, 'spec'>): boolean {
  return spec.portSecurity || (spec.securityGroups ?? []).length > 0;
}

/** The groups whose rules a port follows, as references from its project; none when it is open. */
export function groupsFollowed(port: Pick<Port, 'spec'>): readonly string[] {
  const { securityGroups = [] } = port.spec;
  if (securityGroups.length > 0) return securityGroups;
  return followsGroups(port) ? [defaultGroup] : [];
}
