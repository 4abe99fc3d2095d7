/** Holds the forwarder against a model over random scenarios, and reports the first difference with the fewest steps that show it. */
import { World } from '../model/world.ts';
import { askForwarder, firstDifference } from './compare.ts';
import { compiledPolicyRows } from './compiled-rows.ts';
import { randomScenario, type Size } from './random-scenario.ts';
import type { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import { plainPolicyRows } from './site-rows.ts';
import { tellScenario } from './tell.ts';

/** Undefined: they agree on all of it. */
export async function findDifference(seed: number, size: Size): Promise<string | undefined> {
  const rows = size.fromObjects ? compiledPolicyRows : plainPolicyRows;
  const differs = async (scenario: Scenario) => firstDifference(scenario, new World(scenario.pickup), await askForwarder(scenario, rows()));
  const scenario = randomScenario(seed, size);
  const found = await differs(scenario);
  if (!found) return undefined;
  const small = await shrink(scenario, found, differs);
  const { model, forwarder } = (await differs(small)) ?? found;
  return `${tellScenario(small)}\nmodel:     ${JSON.stringify(model)}\nforwarder: ${JSON.stringify(forwarder)}`;
}
