/** `node kernel/test/robustness/run.ts [SEED] [HISTORIES]`: one campaign, its report. */
import { Arming } from './arming.ts';
import { runCampaign } from './campaign.ts';
import { randomFrom } from './generator.ts';

const [seed = '1', histories = '20'] = process.argv.slice(2);
const arming = new Arming(randomFrom(Number(seed)));
const report = await runCampaign({ seed: Number(seed), histories: Number(histories), arming });
console.log(JSON.stringify({ ...report, fired: Object.fromEntries(arming.fired) }, null, 2));
process.exitCode = report.problems.length === 0 ? 0 : 1;
