import test from 'ava';
import { Arming } from './arming.ts';
import { runCampaign } from './campaign.ts';
import { randomFrom } from './generator.ts';

test('30 random histories under failpoints and kills fit the reference model', async (t) => {
  const seed = 2_026;
  // each death costs a second: the long test has more of them
  const report = await runCampaign({ seed, histories: 30, arming: new Arming(randomFrom(seed), 0.1) });
  t.deepEqual(report.problems, []);
  t.is(report.histories, 30);
  t.log(report);
  t.true(report.definite > report.operations / 2, 'most of what was asked was answered');
  t.true(report.transactions > 100 && report.watched > 300, 'and something happened');
});
