/** The fewest steps of a scenario that still show a difference: halves, then quarters, … are left out as long as it stays (Zeller's ddmin). */
import type { Difference } from './compare.ts';
import type { Scenario, Site, Step } from './scenario.ts';

/** @param differs the first difference of a scenario, or undefined */
export async function shrink(
  scenario: Scenario,
  found: Difference,
  differs: (scenario: Scenario) => Promise<Difference | undefined>,
): Promise<Scenario> {
  let steps: readonly Step[] = scenario.steps.slice(0, found.step + 1);
  for (let size = Math.ceil(steps.length / 2); size >= 1; ) {
    const smaller = await withoutSome(steps, size, (candidate) => differs({ ...scenario, steps: candidate }));
    if (smaller) steps = smaller;
    else if (size === 1) break;
    if (!smaller || size > steps.length) size = Math.min(Math.ceil(size / 2), steps.length);
  }
  return await shrinkSites({ ...scenario, steps }, differs);
}

/** The same with fewer ports, groups and rules. */
async function shrinkSites(scenario: Scenario, differs: (scenario: Scenario) => Promise<Difference | undefined>): Promise<Scenario> {
  // What objects mean is written in two places; only one of them would get smaller.
  if (scenario.steps.some((step) => step.kind === 'change' && step.site.objects)) return scenario;
  const sites = scenario.steps.flatMap((step) => (step.kind === 'change' ? [step.site] : []));
  const ports = new Set(sites.flatMap((site) => site.ports.map(({ id }) => id)));
  const groups = new Set(sites.flatMap((site) => [...site.groups.keys()]));
  const rules = new Set(sites.flatMap((site) => [...site.groups.values()].flatMap((each) => each.map(({ number }) => number))));
  const cuts: readonly ((site: Site) => Site)[] = [
    ...[...ports].map((id) => (site: Site) => ({ ...site, ports: site.ports.filter((port) => port.id !== id) })),
    ...[...groups].map((id) => (site: Site) => withoutGroup(site, id)),
    ...[...rules].map((number) => (site: Site) => ({
      ...site,
      groups: new Map([...site.groups].map(([id, each]) => [id, each.filter((rule) => rule.number !== number)])),
    })),
  ];
  let small = scenario;
  for (const cut of cuts) {
    const candidate = { ...small, steps: small.steps.map((step) => (step.kind === 'change' ? { ...step, site: cut(step.site) } : step)) };
    const uses = (id: number) => candidate.steps.some((step) => step.kind === 'packet' && step.packet.port === id);
    const isWhole = candidate.steps.every(
      (step) => step.kind !== 'change' || [...ports].every((id) => !uses(id) || step.site.ports.some((port) => port.id === id)),
    );
    if (isWhole && (await differs(candidate))) small = candidate;
  }
  return small;
}

function withoutGroup(site: Site, id: number): Site {
  const ports = site.ports.map((port) => ({ ...port, memberships: port.memberships?.filter(({ group }) => group !== id) }));
  return { ...site, ports, groups: new Map([...site.groups].filter(([group]) => group !== id)) };
}

/** The first of `steps` less `size` of them that still differs, up to the step where it does. */
async function withoutSome(
  steps: readonly Step[],
  size: number,
  differs: (steps: readonly Step[]) => Promise<Difference | undefined>,
): Promise<readonly Step[] | undefined> {
  for (let at = 0; at < steps.length - 1; at += size) {
    const candidate = [...steps.slice(0, at), ...steps.slice(Math.min(at + size, steps.length - 1))];
    if (candidate[0]?.kind !== 'change') continue;
    const difference = await differs(candidate);
    if (difference) return candidate.slice(0, difference.step + 1);
  }
  return undefined;
}
