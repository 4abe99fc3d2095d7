/** What there is to decide by, and what was denied, for Prometheus. */
import { Counter, Gauge, type Registry } from '@weft/kernel/sdk';
import type { Compiler } from './compile/compiler.ts';

interface Counted {
  readonly compiled: Compiler['counts'] & { readonly waiting: number };
  readonly denials: { readonly told: number; readonly lost: number };
}

const nothing: Counted = {
  compiled: { groups: 0, identities: 0, rules: 0, members: 0, ports: 0, waiting: 0 },
  denials: { told: 0, lost: 0 },
};

export function policyMetrics(registry: Registry, counted: () => Counted = () => nothing): void {
  const gauge = (name: string, help: string, value: (counted: Counted) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value(counted()));
      },
    });
  const counter = (name: string, help: string, value: (counted: Counted) => number) =>
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(value(counted()));
      },
    });
  gauge('weft_policy_groups', 'Security groups in force', ({ compiled }) => compiled.groups);
  gauge('weft_policy_identities', 'Distinct sets of groups that ports have', ({ compiled }) => compiled.identities);
  gauge(
    'weft_policy_ports_waiting',
    'Ports that are closed because there is no room for another identity',
    ({ compiled }) => compiled.waiting,
  );
  new Gauge({
    name: 'weft_policy_rows',
    help: 'Rows in the forwarder, by table',
    labelNames: ['table'],
    registers: [registry],
    collect() {
      const { compiled } = counted();
      this.set({ table: 'rule' }, compiled.rules);
      this.set({ table: 'identity_group' }, compiled.members);
      this.set({ table: 'port_identity' }, compiled.ports);
    },
  });
  counter('weft_policy_denials_total', 'Denied packets that were told of', ({ denials }) => denials.told);
  counter('weft_policy_denials_lost_total', 'Denied packets that nobody was told of: they were too many', ({ denials }) => denials.lost);
}
