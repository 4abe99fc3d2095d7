/** Runs a scenario through a model and through the forwarder, and tells where they first differ. */
import { formatIp } from '@weft/kernel/contract/net';
import { stateOf } from '../model/flows.ts';
import { contentOf, frameOf } from '../model/frame.ts';
import type { Outcome, World } from '../model/world.ts';
import { type Answer, ask, askAttach, askFlows, askFrame, askRows, askTime, type ToldFlow } from './oracle.ts';
import type { Scenario, Step } from './scenario.ts';
import { type PolicyRows, RowChanges } from './site-rows.ts';

export interface Difference {
  /** Place of the step in the scenario. */
  readonly step: number;
  readonly model: string;
  readonly forwarder: string;
}

interface Asked {
  readonly questions: readonly Buffer[];
  /** Answers that the step gives. */
  readonly answers: number;
}

function questionsOf(step: Step, changes: RowChanges): Asked {
  switch (step.kind) {
    case 'change': {
      const { batches, attach } = changes.to(step.site);
      return { questions: [...batches.map(askRows), ...attach.map(askAttach)], answers: batches.length };
    }
    case 'packet':
      return { questions: [askFrame(step.packet.port, frameOf(step.packet))], answers: 1 };
    case 'time':
      return { questions: [askTime(step.seconds)], answers: 1 };
    case 'flows':
      return { questions: [askFlows()], answers: 1 };
  }
}

const pickups = { forward: '0', either: '1', never: '2' } as const;

/** What the forwarder says, step by step. */
export async function askForwarder({ steps, pickup }: Scenario, policy: PolicyRows): Promise<readonly (readonly Answer[])[]> {
  const changes = new RowChanges(policy);
  const asked = steps.map((step) => questionsOf(step, changes));
  const answers = await ask(
    asked.flatMap(({ questions }) => questions),
    ['--tcp-pickup', pickups[pickup], '--flow-pairs', '16384'],
  );
  let at = 0;
  return asked.map((each) => {
    at += each.answers;
    return answers.slice(at - each.answers, at);
  });
}

const sorted = (texts: readonly string[]): string => [...texts].sort().join(', ') || 'nothing';

/** In words that both sides have. */
function tellOutcome({ left, dropped, spoke }: Outcome): string {
  const leaves = left.map(({ port, packet }) => `to ${port} ${contentOf(frameOf(packet))}`);
  return spoke ? `told, ${sorted(dropped)}` : sorted([...leaves, ...dropped]);
}

function tellFrames(answer: Answer & { kind: 'frames' }, spoke: boolean): string {
  const leaves = answer.left.map(({ port, frame }) => `to ${port} ${contentOf(frame)}`);
  return spoke ? `told, ${sorted(answer.dropped)}` : sorted([...leaves, ...answer.dropped]);
}

function tellModelFlows(world: World): string {
  const portOf = (generation: number) => world.ports.find((port) => port.generation === generation)?.id ?? 0;
  return sorted(
    world.flows.all().map((flow) => {
      const { tuple, between, counts, lastDrop } = flow;
      const [there, back] = counts;
      return tellFlow({
        fromPort: portOf(between[0]),
        toPort: portOf(between[1]),
        protocol: tuple.protocol,
        src: formatIp(tuple.src),
        dst: formatIp(tuple.dst),
        srcPort: tuple.srcPort,
        dstPort: tuple.dstPort,
        state: stateOf(flow),
        action: world.isDenied(flow) ? 'deny' : 'allow',
        packets: there.packets,
        bytes: there.bytes,
        replyPackets: back.packets,
        replyBytes: back.bytes,
        lastDrop: lastDrop ?? 'none',
      });
    }),
  );
}

function tellFlow(flow: Omit<ToldFlow, 'egress' | 'ingress'>): string {
  const {
    fromPort,
    toPort,
    protocol,
    src,
    dst,
    srcPort,
    dstPort,
    state,
    action,
    packets,
    bytes,
    replyPackets,
    replyBytes,
    lastDrop = 'none',
  } = flow;
  return `${fromPort}>${toPort} ${protocol} ${src}.${srcPort}>${dst}.${dstPort} ${state} ${action} ${packets}/${bytes} ${replyPackets}/${replyBytes} ${lastDrop}`;
}

/** What differs of two lists of flows: only those of one side. */
function onlyDifferent(model: string, forwarder: string): readonly [string, string] {
  const [ours, theirs] = [model.split(', '), forwarder.split(', ')];
  return [sorted(ours.filter((each) => !theirs.includes(each))), sorted(theirs.filter((each) => !ours.includes(each)))];
}

/** One step through the model, held against the answers. Undefined: they agree. */
function compareStep(step: Step, world: World, answers: readonly Answer[]): readonly [model: string, forwarder: string] | undefined {
  if (step.kind === 'change') {
    world.change(step.site.networks, step.site.ports, step.site.groups);
    const refused = answers.find((answer) => answer.kind === 'rows' && answer.refused);
    return refused ? ['done', JSON.stringify(refused)] : undefined;
  }
  const [answer] = answers;
  if (step.kind === 'flows') {
    if (answer?.kind !== 'flows') return ['flows', 'nothing'];
    const [model, forwarder] = [tellModelFlows(world), sorted(answer.flows.map(tellFlow))];
    return model === forwarder ? undefined : onlyDifferent(model, forwarder);
  }
  if (answer?.kind !== 'frames') return ['frames', 'nothing'];
  const outcome = step.kind === 'time' ? world.pass(step.seconds) : world.receive(step.packet);
  const [model, forwarder] = [tellOutcome(outcome), tellFrames(answer, outcome.spoke ?? false)];
  return model === forwarder ? undefined : [model, forwarder];
}

/** The first difference; undefined: there is none. */
export function firstDifference(scenario: Scenario, world: World, answers: readonly (readonly Answer[])[]): Difference | undefined {
  for (const [index, step] of scenario.steps.entries()) {
    const differs = compareStep(step, world, answers[index] ?? []);
    if (differs) return { step: index, model: differs[0], forwarder: differs[1] };
  }
  return undefined;
}
