export { Identities } from './identities.ts';
export { allProjects, authorize, type Identity, may, type Verb } from './roles.ts';
export { Tokens } from './tokens.ts';
