/** All that a plugin may import, besides `@weft/kernel/contract/*` and its own folder. */
export * from '../contract/system/errors.ts';
export { Counter, Gauge, Histogram, type Registry } from '../metrics/index.ts';
export { type DeniedPrefixes, deniedPrefixes, deniedUpstreamsSetting, isDenied } from './denied-upstreams.ts';
export * from './plugin.ts';
export { PortIndex } from './port-index.ts';
