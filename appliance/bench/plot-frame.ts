/** What all plots share: a panel with title and legend that reads well in light and dark, colours, numbers on axes. SVG by hand: no DOM. */

export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How a contestant's figures look. Shape and dash tell them apart without colour, too. */
export interface Look {
  readonly name: string;
  /** weft, ovs, vpp, testpmd, etcd, target; others are grey. */
  readonly kind: string;
  /** Not measured in this run: hollow and dashed. */
  readonly recorded: boolean;
}

const colours: Readonly<Record<string, readonly [string, string]>> = {
  weft: ['#0b62c4', '#58a6ff'],
  ovs: ['#c2410c', '#fb923c'],
  vpp: ['#15803d', '#4ade80'],
  testpmd: ['#6b7280', '#a1a8b3'],
  etcd: ['#7e22ce', '#c084fc'],
  target: ['#b91c1c', '#f87171'],
  other: ['#52525b', '#a1a1aa'],
};

function paint(theme: 0 | 1): string {
  const rules = Object.entries(colours).map(([kind, pair]) => `.${kind}{--c:${pair[theme]};color:${pair[theme]}}`);
  const [panel, text, faint, grid] =
    theme === 0 ? ['#ffffff', '#1f2328', '#59636e', '#dfe3e8'] : ['#0d1117', '#e6edf3', '#9198a1', '#2b323b'];
  return `${rules.join('')}.panel{fill:${panel}}text{fill:${text}}.faint{fill:${faint}}.grid{stroke:${grid}}.hollow{fill:${panel}}`;
}

const style = [
  "text{font:12px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}.title{font-size:15px;font-weight:600}.faint{font-size:11px}",
  paint(0),
  `@media (prefers-color-scheme:dark){${paint(1)}}`,
].join('');

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The colour class of a contestant. */
export function kindClass(kind: string): string {
  return kind in colours ? kind : 'other';
}

export function text(x: number, y: number, content: string, options: { anchor?: 'start' | 'middle' | 'end'; look?: string } = {}): string {
  const look = options.look === undefined ? '' : ` class="${options.look}"`;
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${options.anchor ?? 'start'}"${look}>${escapeXml(content)}</text>`;
}

/** Coordinates need no more than a tenth of a pixel. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const shapes: Readonly<Record<string, (x: number, y: number) => string>> = {
  weft: (x, y) => `<circle cx="${round(x)}" cy="${round(y)}" r="4.5"`,
  ovs: (x, y) => `<rect x="${round(x - 4)}" y="${round(y - 4)}" width="8" height="8"`,
  vpp: (x, y) => `<path d="M${round(x)} ${round(y - 5)}l5 9h-10z"`,
  testpmd: (x, y) => `<path d="M${round(x)} ${round(y - 5.5)}l5.5 5.5l-5.5 5.5l-5.5-5.5z"`,
};

/** The contestant's mark: hollow when recorded. */
export function mark(x: number, y: number, { kind, recorded }: Look): string {
  const shape = (shapes[kind] ?? shapes.weft)?.(x, y) ?? '';
  return recorded ? `${shape} class="hollow" stroke="currentColor" stroke-width="2"/>` : `${shape} fill="currentColor"/>`;
}

/** The whole picture: panel, title, legend from the left below it, then `body`. `description` is for who cannot see it. */
export function frame(
  size: { width: number; height: number },
  title: string,
  looks: readonly Look[],
  description: string,
  body: string,
): string {
  let x = 24;
  const legend = looks.map((look) => {
    const sample =
      look.kind === 'target'
        ? `<path d="M${x - 8} 46h16" stroke="currentColor" stroke-width="2" stroke-dasharray="2 3"/>`
        : mark(x, 46, look);
    const label = look.recorded ? `${look.name} (recorded)` : look.name;
    const entry = `<g class="${kindClass(look.kind)}">${sample}</g>${text(x + 13, 50, label)}`;
    x += 42 + label.length * 7.2;
    return entry;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img">`,
    `<title>${escapeXml(title)}</title><desc>${escapeXml(description)}</desc><style>${style}</style>`,
    `<rect class="panel" width="${size.width}" height="${size.height}" rx="6"/>`,
    text(16, 26, title, { look: 'title' }),
    ...legend,
    body,
    '</svg>\n',
  ].join('\n');
}

/** About `count` round values from 0 to at least `largest`: steps of 1, 2, 2.5 or 5 times a power of ten. */
export function ticks(largest: number, count = 5): number[] {
  if (!(largest > 0)) return [0, 1];
  const rough = largest / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(largest / step - 1e-9) + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}
