export { armFailpoints, asyncFailpoint, type FailpointName, failpoint, failpoints } from './failpoints.ts';
