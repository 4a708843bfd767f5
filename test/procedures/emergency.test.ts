import { after, before, describe, it } from 'node:test';
import { openLane, type Lane } from '../harness/lane.ts';
import { thereAndBack } from '../harness/there-and-back.ts';

describe('an emergency scale-up of a workload under an HPA', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane({ governor: 'hpa' });
    await lane.startWorker();
  });
  after(() => lane.close());

  it('doubles at once with scale-in off, in one write, and gives all of it back when the load is quiet', async () => {
    await thereAndBack(lane);
    await lane.record('emergency-hpa');
  });
});
