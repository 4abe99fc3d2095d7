/** Plugin tests: a real plugin on a bus in memory that serialises every message, between a pretended kernel and forwarder. See sdk/README.md. */
export { FakeForwarder } from './forwarder.ts';
export { FakeKernel } from './kernel.ts';
export { makeObject, type ObjectOptions } from './objects.ts';
export { type StartOptions, startPlugin, TestPlugin } from './plugin.ts';
export { FakeServicePort } from './service-port.ts';
