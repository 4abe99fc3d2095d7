import { alone } from './ava.alone.config.js';
import units from './ava.config.js';

export default {
  ...units,
  files: ['appliance/test/*.test.ts', ...alone.map((file) => `!${file}`)],
  concurrency: 2,
  timeout: '5m',
};
