/** The chapters of figures, in the order of the page. */
const titles: Readonly<Record<string, string>> = {
  packets: 'Forwarding beside its peers',
  latency: 'Latency',
  walk: 'The walk alone, in memory',
  instructions: 'Instructions per packet',
  rates: 'Rates: rows, ports, punts, injected packets',
  scale: 'Scale: memory of tables',
  start: 'Start',
  appliance: 'The whole appliance',
  services: 'Services under load',
  api: 'API',
  store: 'Store',
};

export function groupTitle(group: string): string {
  return titles[group] ?? group.charAt(0).toUpperCase() + group.slice(1);
}

/** The groups that there are, in the order of the page; those without a title of ours last. */
export function ordered(groups: Iterable<string>): string[] {
  const found = new Set(groups);
  return [...Object.keys(titles).filter((group) => found.has(group)), ...[...found].filter((group) => !(group in titles))];
}

/** A unit as the name of an axis. */
export function unitTitle(unit: string): string {
  if (unit === 'net cycles' || unit === 'instructions') return `${unit} per packet`;
  return unit === '/s' ? 'per second' : unit;
}
