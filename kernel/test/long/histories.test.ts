/** A thousand histories, in several houses one after the other; each of them begins with an empty store. */
import test from 'ava';
import { failpoints } from '../../src/failpoints/index.ts';
import { Arming } from '../robustness/arming.ts';
import { type CampaignReport, runCampaign } from '../robustness/campaign.ts';
import { randomFrom } from '../robustness/generator.ts';

const seed = 5;
const lanes = 2;
const campaignsPerLane = 10;
const historiesEach = 50;

test('1,000 random histories under failpoints, kills and restarts of plugins fit the reference model', async (t) => {
  t.timeout(1_500_000);
  const arming = new Arming(randomFrom(seed));
  const lane = async (first: number): Promise<CampaignReport[]> => {
    const reports: CampaignReport[] = [];
    for (let at = 0; at < campaignsPerLane; at += 1) {
      const report = await runCampaign({ seed: first + at, histories: historiesEach, arming });
      t.log(JSON.stringify(report));
      reports.push(report);
    }
    return reports;
  };
  const reports = (await Promise.all(Array.from({ length: lanes }, (_, index) => lane(seed + 1_000 * index)))).flat();
  const sum = (field: Exclude<keyof CampaignReport, 'problems'>): number => reports.reduce((total, report) => total + report[field], 0);
  t.deepEqual(
    reports.flatMap(({ problems }) => problems),
    [],
  );
  t.is(sum('histories'), 1_000);
  t.log(Object.fromEntries(arming.fired));
  t.true(failpoints.length >= 20);
  t.deepEqual(
    failpoints.filter((name) => arming.fired.get(name) === 0),
    [],
    'every failpoint has acted',
  );
  t.true(sum('kernelEnds') > 100 && sum('pluginKills') > 50, 'the kernel and the plugins died again and again');
  t.true(sum('definite') > sum('operations') / 2);
});
