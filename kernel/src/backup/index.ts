export { sealed } from './envelope.ts';
export { keyId } from './key-id.ts';
export { type Prepared, prepare, putInPlace } from './restore.ts';
