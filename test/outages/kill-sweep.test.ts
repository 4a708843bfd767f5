import { describe, it } from 'node:test';
import { emergency, sweep } from '../harness/kill-sweep.ts';
import { GOVERNOR_NAMES, GOVERNORS } from '../harness/lane.ts';

/** Each death costs a heartbeat timeout, and the lanes wait for theirs at the same time. */
const LANES = 5;

describe('a worker killed by SIGKILL before and after the effect of an activity', () => {
  for (const governor of GOVERNOR_NAMES) {
    it(`comes back to the same end, at every activity of a pre-scale ${GOVERNORS[governor].words}`, () =>
      sweep(governor, { halves: ['before', 'after'], lanes: LANES }));
  }
  it(`comes back to the same end, at every activity of an emergency ${GOVERNORS.hpa.words}`, () =>
    sweep('hpa', { halves: ['before', 'after'], lanes: LANES, procedure: emergency('freeze') }));
});
