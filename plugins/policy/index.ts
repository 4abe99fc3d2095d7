/** `policy`: security groups as rows that the forwarder decides by. Wiring only. */
import type { Port } from '@weft/kernel/contract/net';
import { type AdmissionRequest, keyOf, type ObjectKey } from '@weft/kernel/contract/system';
import { definePlugin, type Forwarder, type ObjectCache, type OperationCall, PortIndex } from '@weft/kernel/sdk';
import { admit } from './admission.ts';
import { Compiler, type KnownRows } from './compile/compiler.ts';
import { policyConfig } from './config.ts';
import { DefaultGroups } from './default-groups.ts';
import { denialOf } from './denials/denial.ts';
import { Denials } from './denials/denials.ts';
import { DenialLog } from './denials/log.ts';
import { denialsSpec, tellDenials } from './denials/operation.ts';
import { watchDenials } from './denials/watch.ts';
import { securityGroupKind } from './kinds.ts';
import { KnownGroups } from './known-groups.ts';
import { policyMetrics } from './metrics.ts';
import { Phases } from './phases.ts';
import { Publisher } from './publisher.ts';
import { listRules, rulesSpec } from './rules-operation.ts';

async function knownRows(forwarder: Pick<Forwarder, 'rows'>): Promise<KnownRows> {
  const [rules, groups, ports] = await Promise.all([
    forwarder.rows('rule'),
    forwarder.rows('identity_group'),
    forwarder.rows('port_identity'),
  ]);
  return { rules, groups, ports };
}

export default definePlugin({
  name: 'policy',
  summary: 'Security groups: which connections of VMs are allowed',
  needs: ['network'],
  kinds: [securityGroupKind],
  operations: [denialsSpec, rulesSpec],
  grants: { rows: ['rule', 'identity_group', 'port_identity'], reads: ['Port', 'Project'] },
  whenDisabled:
    'ports that follow security groups are closed, the group default among them: nothing passes them but DHCP, ARP, ND and the gateway',
  limits: { memoryMib: 1024 },
  config: policyConfig,
  metrics: policyMetrics,
  async start(context) {
    const { config, objects, log } = context;
    const known = new KnownGroups();
    const ports = new PortIndex();
    const denials = new Denials(config.denialsKept);
    objects.follow((before, after) => {
      known.note(before, after);
      if (before?.kind === 'Project' && after === undefined) denials.forget(before.metadata.name);
      const port = after ?? before;
      if (port?.kind === 'Port') ports.put(keyOf(port), after as Port | undefined);
    });
    const compiler = new Compiler(objects, await knownRows(context.forwarder));
    policyMetrics(context.metrics, () => ({ compiled: { ...compiler.counts, waiting: compiler.waiting }, denials }));
    const publisher = new Publisher(context, compiler, new Phases(objects, (updates) => context.setStatus(updates)));
    const defaults = new DefaultGroups(context);
    const begun = publisher.begin();
    // Before the first rows are out: what goes meanwhile must be heard of.
    objects.onChange(async (changed) => {
      defaults.changed(changed);
      await begun;
      await publisher.update(changed);
    });
    await begun;
    const stopped = new AbortController();
    const denialLog = new DenialLog(log, config.denialsLogged, () => performance.now());
    void watchDenials(context, stopped.signal, (flows, lost) => {
      denials.lose(lost);
      for (const denial of flows.flatMap((flow) => denialOf(flow, (id) => ports.get(id)) ?? [])) {
        denials.add(denial);
        denialLog.add(denial);
      }
    });
    return {
      admit: (request: AdmissionRequest) => admit(request, known),
      operations: {
        denials: (input: Parameters<typeof tellDenials>[2], call: OperationCall) =>
          tellDenials(denials, (project, name) => hasPort(objects, project, name), input, call),
        rules: (input: { group?: string }, call: OperationCall) => listRules(context, compiler, input, call),
      },
      stop: () => {
        stopped.abort();
        defaults.stop();
      },
    };
  },
});

function hasPort(objects: Pick<ObjectCache, 'get' | 'list'>, project: string, name: string): boolean {
  const key: ObjectKey = { kind: 'Port', project, name };
  return project === '-' ? objects.list<Port>('Port').some(({ metadata }) => metadata.name === name) : objects.get(key) !== undefined;
}
