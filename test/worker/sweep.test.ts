import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ports } from '../../activities/ports.ts';
import { startSweep } from '../../worker/sweep.ts';
import { aWorld, POLICY } from '../activities/world.ts';
import { eventually } from '../harness/eventually.ts';

const CALM = { fresh: true, reappliedAtMs: [], silent: false, cluster: null };
const HOLD = { workload: 'web', claims: [{ id: 'pre-scale.web.sale/r1', floor: 6, reason: 'sale' }], skipSteps: false };

function aSweep({ cluster }: Pick<ReturnType<typeof aWorld>, 'cluster'>) {
  const [woken, warnings]: [string[], unknown[]] = [[], []];
  const ledger: Ports['ledger'] = {
    claim: async () => undefined,
    release: async () => undefined,
    wake: async (workload) => void woken.push(workload),
  };
  const { workload } = POLICY;
  const policy = { policy: () => ({ workloads: { [workload.name]: workload } }) as never };
  const sweep = startSweep({ workloads: cluster, ledger, policy }, { warn: (_, fields) => void warnings.push(fields) });
  return { woken, warnings, sweep };
}

describe('the sweep of a worker', () => {
  it('wakes the ledger of each workload that bears a hold, at once', async () => {
    const world = aWorld();
    await world.run.act(() => world.activities.applyHold({ ...HOLD, generation: 1, ...CALM }));
    const { woken, sweep } = aSweep(world);
    await eventually('the ledger is woken', async () => woken.length > 0);
    await sweep.stop();
    assert.deepEqual(woken, ['web']);
  });

  it('wakes nobody where nothing is held', async () => {
    const world = aWorld();
    const { woken, sweep } = aSweep(world);
    await eventually('it has looked', async () => world.cluster.calls.some(({ method }) => method === 'findHeld'));
    await sweep.stop();
    assert.deepEqual(woken, []);
  });

  it('outlives a cluster that does not answer, and says so', async () => {
    const world = aWorld();
    world.cluster.brew({ method: 'findHeld', call: 1, type: 'apiUnavailable' });
    const { warnings, sweep } = aSweep(world);
    await eventually('it has complained', async () => warnings.length > 0);
    await sweep.stop();
    assert.match(JSON.stringify(warnings), /weather/);
  });
});
