export { Identities } from './identities.ts';
export { allProjects, authorize, type Identity, may, readVerbs, type Verb, visibleProjects } from './roles.ts';
export { Tokens } from './tokens.ts';
