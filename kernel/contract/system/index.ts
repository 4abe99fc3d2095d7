export * from './calls.ts';
export * from './errors.ts';
export * from './handoff.ts';
export * from './manifest.ts';
export * from './object.ts';
export * from './wire.ts';
