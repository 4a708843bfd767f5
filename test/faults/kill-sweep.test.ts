import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundariesOf, killedAt, killPoints } from '../harness/kill-sweep.ts';
import { GOVERNOR_NAMES } from '../harness/lane.ts';
import { killPointText } from '../harness/mortal.ts';

const LANES = 7;

for (const governor of GOVERNOR_NAMES) {
  for (const half of ['before', 'after'] as const) {
    describe(`a worker killed by SIGKILL ${half} the effect of an activity, governor: ${governor}`, () => {
      it('comes back to the same end, at every activity of a pre-scale', { concurrency: LANES }, async (test) => {
        const points = killPoints(await boundariesOf(governor), half);
        assert.ok(points.length >= 15, `only ${points.map(killPointText).join(', ')}`);
        await Promise.all(points.map((point) => test.test(killPointText(point), () => killedAt(governor, point))));
      });
    });
  }
}
