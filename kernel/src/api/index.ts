export { AuditLog } from './audit.ts';
export { peerUid } from './peer.ts';
export type { MetricsSource, OperationInput, PluginControl, PluginInfo, PluginWish, ProcessInfo } from './plugin-control.ts';
export { residentBytes } from './resident.ts';
export { buildApi, listenOnSocket } from './server.ts';
export { listenOnTls } from './tls.ts';
