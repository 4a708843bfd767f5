import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundariesOf, killedAt, killPoints } from '../harness/kill-sweep.ts';
import { killPointText } from '../harness/mortal.ts';

/** Each trial waits for a heartbeat timeout as a rule, so that many fit on two cores. */
const LANES = 5;

describe('a worker killed by SIGKILL after the effect of an activity and before its answer', () => {
  it('comes back to the same end, at every activity of a pre-scale', { concurrency: LANES }, async (test) => {
    const points = killPoints(await boundariesOf('hpa'), 'after');
    assert.ok(points.length >= 15, `only ${points.map(killPointText).join(', ')}`);
    await Promise.all(points.map((point) => test.test(killPointText(point), () => killedAt('hpa', point))));
  });
});
