import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { inLane } from '../harness/lane.ts';
import { anOwner, LEDGER, toLedger } from '../harness/owners.ts';
import { servers } from '../harness/servers.ts';
import { openTemporal } from '../harness/temporal.ts';

describe('a worker that Temporal refuses', () => {
  it('ends with 1, so that it is started anew, although it watches over a hold and that watch never ends', () =>
    inLane({ governor: 'none' }, async (lane) => {
      const namespace = `${lane.namespace}-gone`;
      const temporal = await openTemporal(servers().addresses.temporal, namespace);
      try {
        const there = { ...lane, temporal };
        const worker = await lane.startWorker({ TEMPORAL_NAMESPACE: namespace });
        // a poll of a minute has to come back before the worker hears of it
        const ended = once(worker, 'exit', { signal: AbortSignal.timeout(180_000) });
        await toLedger(there).claim(await anOwner(there, 'a-run'), 1, 6);
        await eventually('the hold is watched', async () => {
          const { raw } = await temporal.workflow.getHandle(LEDGER).describe();
          return raw.pendingActivities?.some(({ activityType }) => activityType?.name === 'guardHold');
        });
        await temporal.connection.operatorService.deleteNamespace({ namespace });
        const [code] = (await ended) as [number | null];
        assert.equal(code, 1);
        assert.match(lane.workerTrouble(), /the worker has ended: exit code 1/);
      } finally {
        await temporal.connection.close();
      }
    }));
});
