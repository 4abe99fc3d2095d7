/** Who asks for something. */
export interface Subject {
  /** `system`: the kernel itself. */
  readonly kind: 'user' | 'token' | 'cert' | 'plugin' | 'system';
  readonly name: string;
}

export const systemSubject: Subject = { kind: 'system', name: 'kernel' };

/** As the change log keeps it: `user:root`. */
export function formatSubject(subject: Subject): string {
  return `${subject.kind}:${subject.name}`;
}
