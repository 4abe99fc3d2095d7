/**
 * Who may import whom. Deny by default: an edge that no line allows is an error, and so is a file that no line covers.
 * The rooms are described in docs/architecture.md.
 */
const test = '\\.test\\.ts$|/test/|/testing/|/bench/';
const npm = (...names) => `(^|/)node_modules/(${names.join('|')})(/|$)`;

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'two files that need each other are one idea or three',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'zeromq-only-in-bus',
      severity: 'error',
      comment: 'the bus is one room: kernel/bus',
      from: { pathNot: '^kernel/bus/' },
      to: { path: npm('zeromq', 'msgpackr') },
    },
    {
      name: 'lmdb-only-in-store',
      severity: 'error',
      comment: 'the store is one room: kernel/src/store',
      from: { pathNot: '^kernel/src/store/' },
      to: { path: npm('lmdb') },
    },
    {
      name: 'prom-client-only-in-metrics',
      severity: 'error',
      comment: 'metrics are one room: kernel/metrics',
      from: { pathNot: '^kernel/metrics/' },
      to: { path: npm('prom-client') },
    },
    {
      name: 'koffi-only-in-loaders',
      severity: 'error',
      comment: 'foreign memory is touched in three places',
      from: { pathNot: '^(forwarder/binding/load\\.ts|kernel/src/api/peer\\.ts|kernel/sdk/service-port/descriptor\\.ts)$' },
      to: { path: npm('koffi') },
    },
  ],
  allowedSeverity: 'error',
  allowed: [
    // Node's own modules: everywhere but in contracts.
    { from: { pathNot: '^kernel/contract/' }, to: { dependencyTypes: ['core'] } },
    // contracts
    { from: { path: '^kernel/contract/system/' }, to: { path: ['^kernel/contract/system/', npm('typebox')] } },
    { from: { path: '^kernel/contract/net/' }, to: { path: ['^kernel/contract/', npm('typebox', 'ipaddr\\.js')] } },
    // transport, SDK
    { from: { path: '^kernel/bus/' }, to: { path: ['^kernel/bus/', '^kernel/contract/system/', npm('zeromq', 'msgpackr')] } },
    {
      from: { path: '^kernel/metrics/' },
      to: { path: ['^kernel/metrics/', '^kernel/contract/system/', '^kernel/bus/index\\.ts$', npm('prom-client')] },
    },
    {
      from: { path: '^kernel/sdk/' },
      to: { path: ['^kernel/sdk/', '^kernel/contract/', '^kernel/bus/', '^kernel/metrics/index\\.ts$', npm('typebox', 'pino', 'koffi')] },
    },
    // the kernel: its own room, contracts, siblings by their index
    {
      from: { path: '^kernel/src/([^/]+)/' },
      to: {
        path: [
          '^kernel/src/$1/',
          '^kernel/src/[^/]+/index\\.ts$',
          '^kernel/contract/system/',
          '^kernel/bus/(index|keys)\\.ts$',
          '^kernel/metrics/index\\.ts$',
        ],
      },
    },
    {
      from: { path: '^kernel/src/' },
      to: {
        path: npm(
          'lmdb',
          'fastify',
          '@fastify',
          'ajv',
          'ajv-formats',
          'convict',
          '@types/convict',
          'koffi',
          'pino',
          'piscina',
          'reflect-metadata',
          'tsyringe',
          'yaml',
          'typebox',
        ),
      },
    },
    { from: { path: '^kernel/cli/' }, to: { path: ['^kernel/cli/', '^kernel/contract/system/', npm('commander', 'json-p3', 'yaml')] } },
    {
      from: { path: '^kernel/tools/' },
      to: {
        path: [
          '^kernel/tools/',
          '^kernel/sdk/',
          '^kernel/contract/system/',
          '^kernel/src/(config|registry)/index\\.ts$',
          '^kernel/src/api/metrics\\.ts$',
          '^kernel/metrics/index\\.ts$',
          '^forwarder/host/metrics\\.ts$',
          '^kernel/cli/',
          npm('commander'),
        ],
      },
    },
    { from: { path: '^kernel/bench/' }, to: { path: ['^kernel/', npm('autocannon')] } },
    // plugins: the SDK, the contracts, their own folder
    {
      from: { path: '^plugins/([^/]+)/' },
      to: { path: ['^plugins/$1/', '^kernel/sdk/index\\.ts$', '^kernel/contract/(system|net)/index\\.ts$', npm('typebox', 'ipaddr\\.js')] },
    },
    // forwarder
    { from: { path: '^forwarder/binding/' }, to: { path: ['^forwarder/binding/', npm('koffi')] } },
    {
      from: { path: '^forwarder/host/' },
      to: {
        path: [
          '^forwarder/host/',
          '^forwarder/binding/index\\.ts$',
          '^kernel/contract/(system|net)/index\\.ts$',
          '^kernel/(bus|metrics)/index\\.ts$',
          npm('pino'),
        ],
      },
    },
    { from: { path: '^forwarder/tools/' }, to: { path: '^forwarder/tools/' } },
    // benchmarks share the shape of their figures
    {
      from: { path: '^forwarder/bench/' },
      to: {
        path: [
          '^forwarder/bench/',
          '^forwarder/binding/index\\.ts$',
          '^forwarder/host/(punt-pump|wake-pipe)\\.ts$',
          '^kernel/contract/net/index\\.ts$',
          '^kernel/bench/measurement\\.ts$',
          '^kernel/bus/index\\.ts$',
        ],
      },
    },
    { from: { path: '^appliance/(bench|test)/' }, to: { path: '^kernel/bench/measurement\\.ts$' } },
    // appliance: programs around the product
    { from: { path: '^appliance/' }, to: { path: ['^appliance/', npm('yaml')] } },
    // tests: their own room, what it may import, the test doubles
    {
      from: { path: `^(kernel|forwarder)\\b.*(${test})` },
      to: {
        path: [
          '^kernel/',
          '^forwarder/(binding|host|tools)/',
          npm('ava', 'fast-check', 'msgpackr', 'zeromq', 'ajv', 'ajv-formats', 'fastify', 'openapi-typescript', 'yaml'),
        ],
      },
    },
    {
      from: { path: `^plugins/(.*)(${test})` },
      to: {
        path: [
          '^plugins/',
          '^kernel/sdk/testing/index\\.ts$',
          '^kernel/sdk/index\\.ts$',
          '^kernel/sdk/manifest\\.ts$',
          '^kernel/contract/(system|net)/index\\.ts$',
          npm('ava', 'fast-check', 'dns-packet', 'yaml', 'ajv', 'ajv-formats'),
        ],
      },
    },
    {
      // plugins of tests: as those of the product
      from: { path: '^appliance/test/plugins-[^/]+/([^/]+)/' },
      to: {
        path: ['^appliance/test/plugins-[^/]+/$1/', '^kernel/sdk/index\\.ts$', '^kernel/contract/(system|net)/index\\.ts$', npm('typebox')],
      },
    },
    { from: { path: `^appliance/.*(${test})` }, to: { path: ['^appliance/', npm('ava', 'fast-check', 'yaml')] } },
    { from: { path: '^appliance/fuzz/' }, to: { path: '^plugins/[^/]+/test/fuzz\\.ts$' } },
  ],
  options: {
    doNotFollow: { path: '(^|/)node_modules/' },
    exclude: { path: '(^|/)(build|fixtures)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
