import units from './ava.config.js';

export default {
  ...units,
  files: [
    'kernel/test/long/*.test.ts',
    'appliance/test/long/*.test.ts',
    'forwarder/host/test/long/*.test.ts',
    'plugins/*/test/long/*.test.ts',
  ],
  concurrency: 1,
  serial: true,
  timeout: '30m',
};
