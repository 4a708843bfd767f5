import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ANSWERS_BY_CHANCE, boundariesOf, killedAtEach } from '../harness/kill-sweep.ts';

/** Each death costs a heartbeat timeout, and the lanes wait for theirs at the same time. */
const LANES = 3;
const LONGEST_MS = 600_000;

describe('a worker killed by SIGKILL after the effect of an activity and before its answer', () => {
  it('comes back to the same end, at every activity of a pre-scale', { timeout: LONGEST_MS }, async () => {
    const { answered } = await boundariesOf('hpa');
    const names = Object.keys(answered)
      .filter((name) => !ANSWERS_BY_CHANCE.has(name))
      .toSorted();
    const dealt = Array.from({ length: LANES }, (_, lane) => names.filter((_name, index) => index % LANES === lane));
    const died = Object.assign({}, ...(await Promise.all(dealt.map((share) => killedAtEach('hpa', share)))));
    for (const name of names) assert.ok(died[name] > 0, `nobody died at ${name}: ${JSON.stringify(died)}`);
    const deaths = Object.values<number>(died).reduce((sum, count) => sum + count, 0);
    assert.ok(deaths >= 15, JSON.stringify(died));
  });
});
