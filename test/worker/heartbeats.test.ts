import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beatWhileRunning } from '../../worker/heartbeats.ts';
import { anActivity } from '../harness/activity.ts';

const rows: readonly { readonly name: string; readonly info: object; readonly beats: number }[] = [
  { name: 'beats while it runs', info: { activityType: 'surveyWorkload', heartbeatTimeoutMs: 10_000 }, beats: 3 },
  { name: 'is silent where nobody listens', info: { activityType: 'surveyWorkload' }, beats: 0 },
  {
    name: 'does not talk over an activity that says what it sees',
    info: { activityType: 'guardHold', heartbeatTimeoutMs: 10_000 },
    beats: 0,
  },
];

describe('an activity in a worker', () => {
  for (const { name, info, beats } of rows) {
    it(name, async (test) => {
      test.mock.timers.enable({ apis: ['setInterval'] });
      const run = anActivity({ info });
      const { promise, resolve } = Promise.withResolvers<string>();
      const answer = run.act(async () => {
        const { execute } = beatWhileRunning().inbound ?? {};
        return execute?.({ args: [], headers: {} }, () => promise);
      });
      test.mock.timers.tick(8_000);
      resolve('done');
      assert.equal(await answer, 'done');
      test.mock.timers.tick(8_000);
      assert.equal(run.beats.length, beats, 'none of them after its end');
    });
  }
});
