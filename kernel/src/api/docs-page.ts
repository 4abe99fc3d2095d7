/** `/docs`: the API's description as one page that loads nothing else. */

interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly description: string }[];
}
interface Description {
  readonly info: { readonly title: string; readonly version: string; readonly summary: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2530;background:#fff}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow:auto;padding:.8rem;background:#f3f5f8}
.m{display:inline-block;width:4.5rem;font-weight:600;text-transform:uppercase}h2{margin-top:2.5rem}li{list-style:none;margin:.5rem 0}ul{padding:0}small{color:#5b6876;margin-left:4.5rem;display:block}
@media(prefers-color-scheme:dark){body{color:#dde4ec;background:#14181d}pre{background:#1e242b}small{color:#93a1b0}}`;

/** @param description an OpenAPI document */
export function docsPage(description: object): string {
  const { info, paths, components } = description as Description;
  const byTag = new Map<string, string[]>();
  for (const [path, item] of Object.entries(paths)) {
    for (const method of methods) {
      const operation = item[method] as Operation | undefined;
      if (operation === undefined) continue;
      const tag = operation.tags[0] ?? '';
      byTag.set(tag, [...(byTag.get(tag) ?? []), entry(method, path, operation)]);
    }
  }
  const sections = [...byTag].map(([tag, entries]) => `<h2>${escapeHtml(tag)}</h2><ul>${entries.join('')}</ul>`);
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<details><summary><code>${escapeHtml(name)}</code></summary><pre>${escapeHtml(JSON.stringify(schema, null, 2))}</pre></details>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(info.title)} API</title>
<style>${style}</style><h1>${escapeHtml(info.title)} API ${escapeHtml(info.version)}</h1><p>${escapeHtml(info.summary)}. Machine-readable: <a href="/openapi.json">/openapi.json</a>.</p>
${sections.join('\n')}<h2>Schemas</h2>${schemas.join('\n')}</html>
`;
}

function entry(method: string, path: string, { summary, parameters = [] }: Operation): string {
  const details = parameters.map(
    (one) => `<small><code>${escapeHtml(one.name)}</code> (${escapeHtml(one.in)}) ${escapeHtml(one.description)}</small>`,
  );
  return `<li><span class="m">${method}</span><code>${escapeHtml(path)}</code><small>${escapeHtml(summary)}</small>${details.join('')}</li>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
