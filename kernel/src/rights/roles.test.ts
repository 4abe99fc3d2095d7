import test from 'ava';
import { type Binding, type Identity, may, type RoleName, type Verb } from './roles.ts';

function who(role: RoleName, ...projects: string[]): Identity {
  const binding: Binding = { role, projects: projects.length === 0 ? null : new Set(projects) };
  return { subject: { kind: 'user', name: 'x' }, bindings: [binding] };
}

const nobody: Identity = { subject: { kind: 'user', name: 'x' }, bindings: [] };
const everyVerb: readonly Verb[] = ['get', 'list', 'watch', 'create', 'update', 'delete', 'operate', 'manage'];

test('without a role there is no right at all', (t) => {
  for (const verb of everyVerb)
    for (const [kind, project] of [['Port', 'red'], ['Port', '-'], ['kinds'], ['objects'], ['Project', 'red'], ['health']] as const)
      t.false(may(nobody, verb, kind, project), `${verb} ${kind} ${project}`);
});

const cases: readonly [what: string, identity: Identity, verb: Verb, kind: string, project: string | undefined, yes: boolean][] = [
  ['a viewer reads its project', who('viewer', 'red'), 'get', 'Port', 'red', true],
  ['… and no other', who('viewer', 'red'), 'get', 'Port', 'blue', false],
  ['… lists all that it may see', who('viewer', 'red'), 'list', 'Port', '-', true],
  ['… but no Secret', who('viewer', 'red'), 'get', 'Secret', 'red', false],
  ['… and changes nothing', who('viewer', 'red'), 'update', 'Port', 'red', false],
  ['… not even several objects', who('viewer', 'red'), 'update', 'objects', undefined, false],
  ['… and runs no operation that does more than show', who('viewer', 'red'), 'operate', 'dhcp.leases', 'red', false],
  ['… but those that only show', who('viewer', 'red'), 'get', 'dhcp.leases', 'red', true],
  ['… not of all projects', who('viewer', 'red'), 'get', 'dhcp.leases', '-', false],
  ['… and no audit log', who('viewer', 'red'), 'list', 'audit', undefined, false],
  ['… sees its project', who('viewer', 'red'), 'get', 'Project', 'red', true],
  ['… and no other project', who('viewer', 'red'), 'get', 'Project', 'blue', false],
  ['… and not the status of the system', who('viewer', 'red'), 'get', 'status', undefined, false],
  ['… but what the API is', who('viewer', 'red'), 'get', 'documents', undefined, true],
  ['an operator changes its project', who('operator', 'red'), 'delete', 'Port', 'red', true],
  ['… and no other', who('operator', 'red'), 'delete', 'Port', 'blue', false],
  ['… runs operations in it', who('operator', 'red'), 'operate', 'dhcp.leases', 'red', true],
  ['… and not in all', who('operator', 'red'), 'operate', 'dhcp.leases', '-', false],
  ['… and changes no system kind', who('operator', 'red'), 'update', 'Uplink', undefined, false],
  ['… nor the project', who('operator', 'red'), 'update', 'Project', 'red', false],
  ['… and sees no history', who('operator', 'red'), 'list', 'history', undefined, false],
  ['an administrator of a project changes the project', who('admin', 'red'), 'update', 'Project', 'red', true],
  ['… and does not delete it', who('admin', 'red'), 'delete', 'Project', 'red', false],
  ['… and gives nobody a role', who('admin', 'red'), 'create', 'Role', undefined, false],
  ['a viewer everywhere reads the system', who('viewer'), 'get', 'status', undefined, true],
  ['… but no logs', who('viewer'), 'get', 'logs', undefined, false],
  ['… and no history', who('viewer'), 'list', 'history', undefined, false],
  ['… and no audit log', who('viewer'), 'list', 'audit', undefined, false],
  ['an operator everywhere changes system kinds', who('operator'), 'update', 'Uplink', undefined, true],
  ['… but no role', who('operator'), 'update', 'Role', undefined, false],
  ['… no token', who('operator'), 'update', 'Token', undefined, false],
  ['… no plugin', who('operator'), 'manage', 'plugins', undefined, false],
  ['… and rolls nothing back', who('operator'), 'update', 'rollback', undefined, false],
  ['… runs operations in all projects', who('operator'), 'operate', 'dhcp.leases', '-', true],
  ['an administrator does all', who('admin'), 'manage', 'plugins', undefined, true],
];
for (const [what, identity, verb, kind, project, yes] of cases) {
  const [{ role, projects } = { role: 'no', projects: null }] = identity.bindings;
  test(`${role} of ${projects === null ? 'all' : [...projects]}: ${what} (${verb} ${kind})`, (t) =>
    t.is(may(identity, verb, kind, project), yes));
}

test('an administrator of the system may do everything', (t) => {
  for (const verb of everyVerb) for (const kind of ['Port', 'Secret', 'Role', 'history', 'logs']) t.true(may(who('admin'), verb, kind));
});
