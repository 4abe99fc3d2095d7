export * from './object-store.ts';
export { isSealed, Sealer } from './sealer.ts';
