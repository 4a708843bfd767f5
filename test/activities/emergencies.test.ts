import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEmergencyActivities } from '../../activities/emergencies.ts';
import { aWorld } from './world.ts';

const HOUR_MS = 3_600_000;

/** A world whose runs were counted: so many in the last day, and in the last hour. */
function aCountedWorld(count: (hours: number) => number = () => 0) {
  const world = aWorld();
  const asked: number[] = [];
  const { lookAtEmergency } = createEmergencyActivities({
    ...world.activities,
    runs: {
      find: async () => null,
      isRunning: async () => true,
      countSince: async (_id, sinceMs) => {
        asked.push(Math.round((Date.now() - sinceMs) / HOUR_MS));
        return count(asked.at(-1) ?? 0);
      },
    },
  });
  const look = (workload: string, counts: boolean) => world.run.act(() => lookAtEmergency({ workload, counts }));
  return { ...world, asked, look };
}

describe('the first look of an emergency', () => {
  it('has policy, count and budget in one answer', async () => {
    const { look, asked } = aCountedWorld((hours) => (hours === 24 ? 7 : 3));
    const seen = await look('web', true);
    assert.ok('resolved' in seen);
    assert.equal(seen.resolved.policy.workload.name, 'web');
    assert.equal(seen.survey?.kind === 'found' && seen.survey.state.wantedReplicas, 3);
    assert.deepEqual([seen.started, asked], [{ day: 7, hour: 3 }, [24, 1]]);
  });

  it('asks once where the day has fewer than the hour may', async () => {
    const { look, asked } = aCountedWorld(() => 1);
    const seen = await look('web', true);
    assert.deepEqual(['started' in seen && seen.started, asked], [{ day: 1, hour: 1 }, [24]]);
  });

  it('counts nothing for an operator', async () => {
    const { look, asked } = aCountedWorld();
    const seen = await look('web', false);
    assert.deepEqual(['started' in seen && seen.started, asked], [null, []]);
  });

  it('leaves out what does not answer, and keeps the rest', async () => {
    const { look, cluster } = aCountedWorld(() => {
      throw new Error('visibility is away');
    });
    cluster.brew({ method: 'readWorkload', call: 1, type: 'apiUnavailable' });
    const seen = await look('web', true);
    assert.ok('resolved' in seen);
    assert.deepEqual([seen.survey, seen.started], [null, null]);
  });

  it('knows the workloads that there are', async () => {
    const { look } = aCountedWorld();
    assert.deepEqual(await look('wep', true), { known: ['web'] });
  });
});
