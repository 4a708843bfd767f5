import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { QUEUES } from '../../domain/names.ts';
import { restoreUpdate } from '../../workflows/messages.ts';
import { eventually } from '../harness/eventually.ts';
import { openFaultProxy, type FaultProxy } from '../harness/fault-proxy.ts';
import { eventOf, inLane, type Lane, type LaneOptions } from '../harness/lane.ts';
import { anOwner, askLedger, describeLedger, LEDGER, toLedger } from '../harness/owners.ts';
import { RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { servers } from '../harness/servers.ts';
import { everyWriteIsSound, noWriteIsUnder } from '../harness/witness.ts';

/** A lane whose worker reaches the API server through a proxy with weather. */
function behindProxy(options: LaneOptions, act: (lane: Lane, proxy: FaultProxy) => Promise<void>): Promise<void> {
  return inLane(options, async (lane) => {
    const proxy = await openFaultProxy(servers().kubeconfig.worker ?? '', join(lane.directory, 'through-the-proxy'));
    try {
      await lane.startWorker({ HEADROOM_KUBECONFIG: proxy.kubeconfig });
      await act(lane, proxy);
    } finally {
      await proxy.close();
    }
  });
}

const untilFloor = (lane: Lane, floor: number, { withinMs = 20_000 } = {}) =>
  eventually(`${floor} are held`, async () => (await lane.floor()) === floor, { withinMs });

const OFTEN_ANEW = { continueAsNewAfterEvents: 100, continueAsNewAfterUpdates: 10 };
const HELD = { method: 'PATCH', path: /horizontalpodautoscalers/ };

describe('words to a ledger in trouble', { concurrency: 3 }, () => {
  it('starts anew for a word of which the terminated ledger has heard the like, and obeys it', () =>
    inLane({}, async (lane) => {
      const owners = await lane.snapshot();
      await lane.startWorker();
      const [ledger, run] = [toLedger(lane), await anOwner(lane, 'a-run')];
      await ledger.claim(run, 1, 6);
      await untilFloor(lane, 6);
      const before = await describeLedger(lane);
      await lane.temporal.workflow.getHandle(LEDGER).terminate('by hand');
      await ledger.claim(run, 2, 7);
      await untilFloor(lane, 7);
      assert.notEqual((await describeLedger(lane)).runId, before.runId);
      await lane.temporal.workflow.getHandle(LEDGER).terminate('by hand');
      await ledger.release(run, 3);
      await untilHome(lane, owners);
      noWriteIsUnder(lane, 3);
    }));

  it('gives back what a ledger without memory finds, also when it was told so before it had looked', () =>
    inLane({}, async (lane) => {
      const owners = await lane.snapshot();
      await lane.startWorker();
      await toLedger(lane).claim(await anOwner(lane, 'a-run'), 1, 6);
      await untilFloor(lane, 6);
      await lane.killWorker();
      await lane.temporal.workflow.getHandle(LEDGER).terminate('by hand');
      const told = lane.temporal.workflow.executeUpdateWithStart(restoreUpdate, {
        args: [{ as: 'alice' }],
        startWorkflowOperation: new WithStartWorkflowOperation('capacityLedger', {
          workflowId: LEDGER,
          taskQueue: QUEUES.urgent,
          args: [{ workload: 'tensafe-server' }],
          workflowIdConflictPolicy: 'USE_EXISTING',
        }),
      });
      await lane.startWorker();
      await told;
      await untilHome(lane, owners);
      assert.deepEqual(lane.floorsWritten(), [6, 3]);
      assert.deepEqual((await askLedger(lane)).claims, []);
    }));

  it('takes the claims of others while the first attempt of a write hangs', () =>
    behindProxy({}, async (lane, proxy) => {
      const ledger = toLedger(lane);
      const runs = await Promise.all(['first', 'second', 'third', 'fourth'].map((name) => anOwner(lane, name)));
      const [first = '', ...others] = runs;
      proxy.expect(HELD, { kind: 'hang' }, 1);
      await Promise.all([
        ledger.claim(first, 1, 6),
        ...others.map((run, index) =>
          eventually('the write hangs', async () => proxy.met() === 1, { everyMs: 20 }).then(() =>
            // what the activity's retry does: the same word, with the same update id
            eventually(`${run} is accepted`, () => ledger.claim(run, 1, 7 + index).then(() => true)),
          ),
        ),
      ]);
      await untilFloor(lane, 9, { withinMs: 60_000 });
      const { claims } = await askLedger(lane);
      assert.deepEqual(claims.map(({ id }) => id).toSorted(), runs.toSorted());
      everyWriteIsSound(lane);
    }));

  it('loses none of 300 claims that come faster than it goes on as new runs', () =>
    // whether 300 owners live is asked once a second by default, and that is not what is at stake here
    inLane({ policy: { ledger: { ...OFTEN_ANEW, ownerCheckEvery: '60s' } } }, async (lane) => {
      await lane.startWorker();
      const ledger = toLedger(lane);
      const claimed: string[] = [];
      const runsOfLedger = new Set<string>();
      const isEnough = () => claimed.length >= 300 && runsOfLedger.size >= 4;
      let next = 0;
      // Temporal takes ten updates of one workflow at once
      const sender = async () => {
        while (!isEnough() && next < 1_000) {
          next += 1;
          const floor = 4 + (next % 6);
          const run = await anOwner(lane, `run-${next}`);
          await eventually(`${run} is accepted`, () => ledger.claim(run, 1, floor).then(() => true), {
            withinMs: 60_000,
          });
          claimed.push(run);
          runsOfLedger.add((await describeLedger(lane)).runId);
        }
      };
      await Promise.all(Array.from({ length: 8 }, sender));
      assert.ok(isEnough(), `${runsOfLedger.size} runs of the ledger for ${claimed.length} claims`);
      const { claims } = await askLedger(lane);
      assert.deepEqual(claims.map(({ id }) => id).toSorted(), claimed.toSorted());
      await eventually('all of them stand on the object', async () => {
        const { metadata } = await lane.governorObject();
        const stand = JSON.parse(metadata.annotations?.['headroom.dev/claims'] ?? '[]') as readonly unknown[];
        return stand.length === claimed.length;
      });
      assert.equal(await lane.floor(), 9);
      everyWriteIsSound(lane);
    }));
});

describe('a ledger that is terminated during the hold', () => {
  it('holds again within 40 s without a dip, and has dropped the claim whose run is gone', () =>
    inLane({}, async (lane) => {
      const owners = await lane.snapshot();
      await lane.startWorker();
      await startSale(lane, { words: ['--replicas', '5'] });
      await untilPhase(lane, 'holding');
      const launch = ['pre-scale', 'tensafe-server', ...eventOf({ name: 'launch', lasts: 600 }), '--replicas', '6'];
      assert.equal((await lane.headroom(...launch)).code, 0);
      await untilFloor(lane, 6);
      const before = await describeLedger(lane);
      await Promise.all([
        lane.temporal.workflow.getHandle(LEDGER).terminate('by hand, in the UI'),
        lane.temporal.workflow.getHandle('pre-scale.tensafe-server.launch').terminate('by hand, in the UI'),
      ]);
      await eventually(
        'a new ledger holds what the run that lives claims',
        async () => {
          const { runId, state } = await describeLedger(lane);
          const { claims, standing } = await askLedger(lane);
          const isAlone = claims.length === 1 && claims[0]?.id.startsWith(`${RUN}/`);
          return state === 'RUNNING' && runId !== before.runId && isAlone && standing?.floor === 5;
        },
        { withinMs: 40_000, everyMs: 500 },
      );
      assert.deepEqual(lane.floorsWritten(), [5, 6, 5]);
      everyWriteIsSound(lane);
      await lane.headroom('skip', RUN);
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await untilHome(lane, owners);
    }));
});

describe('an attempt that comes too late', { concurrency: 3 }, () => {
  it('writes nothing when it arrives after a newer one', () =>
    behindProxy({}, async (lane, proxy) => {
      const [ledger, run] = [toLedger(lane), await anOwner(lane, 'a-run')];
      proxy.expect(HELD, { kind: 'late', ms: 4_000 }, 1);
      await ledger.claim(run, 1, 6);
      await untilFloor(lane, 6, { withinMs: 3_500 });
      await ledger.claim(run, 2, 8);
      await untilFloor(lane, 8, { withinMs: 3_500 });
      const [status] = await eventually('the late one has its answer', async () => {
        const answers = proxy.lateAnswers();
        return answers.length > 0 && answers;
      });
      assert.equal(status, 422);
      assert.equal(await lane.floor(), 8);
      assert.deepEqual(lane.floorsWritten(), [6, 8]);
      everyWriteIsSound(lane);
    }));

  it('writes nothing to another cluster than the one that it holds, says so, and goes on in its own', () =>
    behindProxy({}, async (lane, proxy) => {
      await startSale(lane);
      await untilPhase(lane, 'holding');
      await lane.killWorker();
      const writes = lane.writes().length;
      const other = { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'kube-system', uid: 'uid-of-another' } };
      const weather = { kind: 'status', status: 200, body: JSON.stringify(other) } as const;
      proxy.expect({ method: 'GET', path: /\/namespaces\/kube-system$/ }, weather, 1_000);
      await lane.startWorker({ HEADROOM_KUBECONFIG: proxy.kubeconfig });
      const trouble = await eventually('it says so', async () => (await askLedger(lane)).trouble ?? false);
      assert.match(trouble, /talks to another cluster \(uid-of-another\) than the one this hold is on/);
      await lane.headroom('skip', RUN);
      await untilPhase(lane, 'winding down');
      await eventually('it has looked again', async () => (await askLedger(lane)).claims.length === 0);
      assert.equal(lane.writes().length, writes);
      await lane.killWorker();
      await lane.startWorker();
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await eventually('it says that it is done', async () => (await lane.status(RUN)).status?.phase === 'done');
    }));
});
