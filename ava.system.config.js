import units from './ava.config.js';

export default { ...units, files: ['appliance/test/*.test.ts'], concurrency: 1, serial: true, timeout: '5m' };
