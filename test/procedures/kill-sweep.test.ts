import { describe, it } from 'node:test';
import { sweep } from '../harness/kill-sweep.ts';

/** Each death costs a heartbeat timeout, and the lanes wait for theirs at the same time. */
const LANES = 3;

describe('a worker killed by SIGKILL after the effect of an activity and before its answer', () => {
  it('comes back to the same end, at every activity of a pre-scale', () =>
    sweep('hpa', { halves: ['after'], lanes: LANES }));
});
