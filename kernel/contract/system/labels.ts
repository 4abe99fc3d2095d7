/** Label selectors, as Kubernetes writes them: `app=web,tier!=test,owned,!old`. */

type Labels = Readonly<Record<string, string>>;

interface Requirement {
  readonly label: string;
  /** Absent: the label exists, whatever its value. */
  readonly value?: string;
  readonly negated: boolean;
}

/** All requirements must hold. */
export type LabelSelector = readonly Requirement[];

const requirement = /^(?:([^=!,\s]+)\s*(!=|==?)\s*([^=!,\s]*)|(!?)\s*([^=!,\s]+))$/;

/** @returns null when the text is no selector */
export function parseLabelSelector(text: string): LabelSelector | null {
  const requirements: Requirement[] = [];
  for (const part of text.split(',')) {
    const found = requirement.exec(part.trim());
    if (found === null) return null;
    const [, label, operator, value = '', not, alone = ''] = found;
    requirements.push(label === undefined ? { label: alone, negated: not === '!' } : { label, value, negated: operator === '!=' });
  }
  return requirements;
}

/** An object without the label meets `label!=value` and `!label`. */
export function matchesLabels(selector: LabelSelector, labels: Labels = {}): boolean {
  return selector.every(({ label, value, negated }) => {
    const has = Object.hasOwn(labels, label) && (value === undefined || labels[label] === value);
    return has !== negated;
  });
}
