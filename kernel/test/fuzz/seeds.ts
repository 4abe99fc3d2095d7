/** Requests that are right, for every path of the description: what mutations begin with. */
import type { Registry } from '../../src/registry/index.ts';
import { exampleOf } from './examples.ts';
import type { Asked } from './mutations.ts';

const names = ['x1', 'x2', 'x3'];
const projects = ['default', 'red', '-'];
const json = { 'content-type': 'application/json' };
const yaml = { 'content-type': 'application/yaml' };
const patch = { 'content-type': 'application/merge-patch+json' };

export function seedsFor(registry: Registry): readonly Asked[] {
  const objects = registry.kinds.flatMap(({ spec }) =>
    [false, true].map((full) => ({ kind: spec.kind, metadata: { name: 'x1' }, spec: exampleOf(spec.spec, full) })),
  );
  const apply = objects.flatMap((object): Asked[] => [
    {
      method: 'POST',
      url: '/v1/apply',
      headers: json,
      document: { objects: [object, { kind: 'Project', metadata: { name: 'red' } }], delete: [] },
    },
    { method: 'POST', url: '/v1/apply?dryRun=true', headers: yaml, document: object },
    { method: 'POST', url: '/v1/apply', headers: json, document: { delete: [{ kind: object.kind, name: 'x1' }], cascade: true } },
  ]);
  return [...registry.kinds.flatMap(({ spec }) => kindSeeds(spec)), ...apply, ...operationSeeds(registry), ...systemSeeds];
}

function kindSeeds({ kind, plural, scope, spec }: Registry['kinds'][number]['spec']): Asked[] {
  const bases = scope === 'system' ? [`/v1/${plural}`] : projects.map((project) => `/v1/${project}/${plural}`);
  const document = { kind, metadata: { name: 'x1', labels: { tier: 'web' } }, spec: exampleOf(spec, true) };
  const small = { spec: exampleOf(spec) };
  return bases.flatMap((base): Asked[] => [
    { method: 'GET', url: base, headers: {} },
    { method: 'GET', url: `${base}?labels=tier%3Dweb`, headers: {} },
    { method: 'POST', url: base, headers: json, document },
    { method: 'POST', url: base, headers: yaml, document: { ...document, ...small } },
    ...names.flatMap((name): Asked[] => [
      { method: 'GET', url: `${base}/${name}`, headers: {} },
      { method: 'PUT', url: `${base}/${name}`, headers: json, document: small },
      { method: 'PUT', url: `${base}/${name}`, headers: { ...yaml, 'if-none-match': '*' }, document: small },
      { method: 'PATCH', url: `${base}/${name}`, headers: patch, document: { ...small, metadata: { labels: { tier: null, app: 'a' } } } },
      { method: 'DELETE', url: `${base}/${name}?cascade=true`, headers: {} },
    ]),
  ]);
}

function operationSeeds(registry: Registry): Asked[] {
  return registry.operations.flatMap(({ plugin, spec }) =>
    projects.map((project): Asked => {
      return {
        method: 'POST',
        url: `/v1/${project}/operations/${plugin}.${spec.name}`,
        headers: json,
        document: exampleOf(spec.input, true),
      };
    }),
  );
}

const reads = [
  ...[
    '/v1/status',
    '/v1/kinds',
    '/v1/operations',
    '/v1/plugins',
    '/v1/plugins/library',
    '/v1/trials',
    '/v1/history?limit=20',
    '/v1/audit?limit=20',
  ],
  ...['/v1/watch?since=1&kinds=Shelf', '/v1/plugins/kernel/logs?lines=5', '/metrics', '/healthz', '/readyz', '/openapi.json', '/docs'],
];
const systemSeeds: readonly Asked[] = [
  ...reads.map((url): Asked => ({ method: 'GET', url, headers: {} })),
  { method: 'POST', url: '/v1/rollback?revision=1&dryRun=true', headers: {} },
  { method: 'POST', url: '/v1/rollback?revision=20', headers: {} },
  { method: 'POST', url: '/v1/trials/20/confirm', headers: {} },
  { method: 'POST', url: '/v1/trials/20/revert', headers: {} },
  { method: 'POST', url: '/v1/tokens/x1/issue', headers: {} },
  { method: 'PUT', url: '/v1/plugins/library', headers: json, document: { enabled: true, settings: { quiet: true } } },
  { method: 'POST', url: '/v1/plugins/library/restart', headers: {} },
];
