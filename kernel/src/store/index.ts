export * from './object-store.ts';
export { Sealer } from './sealer.ts';
