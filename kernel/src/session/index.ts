export { bounded } from './bounds.ts';
export { isRefusalAlarm, refusalAlarm, watchConduct } from './conduct.ts';
export { Control } from './control.ts';
export { Enablement } from './enablement.ts';
export { PluginLinks } from './plugin-links.ts';
export { kernelCallsFor } from './serve.ts';
