/** Names of objects as the compiler keeps them: `project/name`. */
import { defaultGroup, groupsFollowed, type Port } from '@weft/kernel/contract/net';
import type { ObjectKey } from '@weft/kernel/contract/system';

export function scopedKey({ project, name }: ObjectKey): string {
  return `${project ?? ''}/${name}`;
}

/** What a reference (NAME or PROJECT/NAME) in an object of `project` means. */
export function resolve(project: string | undefined, reference: string): string {
  return reference.includes('/') ? reference : `${project ?? ''}/${reference}`;
}

export function keyOfGroup(scoped: string): ObjectKey {
  const slash = scoped.indexOf('/');
  return { kind: 'SecurityGroup', project: scoped.slice(0, slash), name: scoped.slice(slash + 1) };
}

export function isDefault(scoped: string): boolean {
  return scoped.endsWith(`/${defaultGroup}`);
}

/** The groups whose rules a port follows, each once; none when it is open. */
export function groupsOf(port: Port): readonly string[] {
  return [...new Set(groupsFollowed(port).map((reference) => resolve(port.metadata.project, reference)))];
}
