export { Control } from './control.ts';
export { Enablement } from './enablement.ts';
export { PluginLinks } from './plugin-links.ts';
export { kernelCallsFor } from './serve.ts';
