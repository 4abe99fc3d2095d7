export type { Admitter } from './admission.ts';
export { Confirmations } from './confirmations.ts';
export { shown } from './hidden.ts';
export { invalid, isRecord, parseInputs, type Wanted } from './input.ts';
export { touched } from './past.ts';
export { type ApplyRequest, type ApplyResult, Pipeline } from './pipeline.ts';
export type { Removal } from './plan.ts';
export { type Subject, systemSubject } from './subject.ts';
