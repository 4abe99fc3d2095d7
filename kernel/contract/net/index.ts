export * from './calls.ts';
export * from './domain.ts';
export * from './frame.ts';
export * from './kinds.ts';
export * from './punt.ts';
export * from './rows.gen.ts';
export * from './terms.ts';
