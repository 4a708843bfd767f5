import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../harness/eventually.ts';
import { inLane, type Lane, type LaneOptions } from '../harness/lane.ts';
import { askLedger } from '../harness/owners.ts';
import { RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { noWriteIsUnder } from '../harness/witness.ts';

const HPA = ['HorizontalPodAutoscaler', 'tensafe-hpa'] as const;
const WORKLOAD = ['Deployment', 'tensafe-server'] as const;

/** A lane with a sale that holds six replicas of three. */
function held(options: LaneOptions, act: (lane: Lane) => Promise<void>): Promise<void> {
  return inLane(options, async (lane) => {
    await eventually('three pods are available', async () => (await lane.available()) === 3);
    await lane.startWorker();
    await startSale(lane);
    await untilPhase(lane, 'holding');
    await act(lane);
  });
}

/** What the run is told of its claim, once it is this. */
function untilTold(lane: Lane, state: string, reason: RegExp): Promise<string> {
  return eventually(`the run is told ${state}: ${reason.source}`, async () => {
    const claim = (await lane.status(RUN)).status?.claim;
    return claim?.state === state && reason.test(claim.reason) ? { said: claim.reason } : false;
  })
    .then(({ said }) => said)
    .catch(async (error: Error) => {
      throw new Error(`${error.message}\n${(await lane.headroom('show', RUN)).stdout}`, { cause: error });
    });
}

async function letGo(lane: Lane) {
  assert.equal((await lane.headroom('skip', RUN)).code, 0);
  assert.equal(await untilClosed(lane), 'COMPLETED');
  return (await lane.status(RUN)).result;
}

const setFloor = (lane: Lane, minReplicas: number, by?: string) =>
  lane.admin.patch(...HPA, { spec: { minReplicas } }, by);

/** Sets the floor back to its own whenever it is another, until it is stopped. */
function aController(lane: Lane, floor: number) {
  const ending = new AbortController();
  async function revert(): Promise<void> {
    while (!ending.signal.aborted) {
      if ((await lane.floor()) !== floor) await setFloor(lane, floor, 'argocd-controller');
      await sleep(500);
    }
  }
  // a lane that is closed under it has failed for another reason
  const done = revert().catch(() => undefined);
  return {
    stop: () => {
      ending.abort();
      return done;
    },
  };
}

async function ownersAre(lane: Lane, minReplicas: number, maxReplicas: number): Promise<void> {
  const { annotations, labels, spec } = await lane.snapshot();
  assert.deepEqual(
    { annotations, labels, min: spec['minReplicas'], max: spec['maxReplicas'] },
    { annotations: {}, labels: {}, min: minReplicas, max: maxReplicas },
  );
}

describe('somebody edits the governor during the hold', { concurrency: 3 }, () => {
  it('leaves what a person lowered, tells the run who it was, and takes it back when asked for it again', () =>
    held({}, async (lane) => {
      await setFloor(lane, 4);
      const reason = await untilTold(lane, 'contested', /not held/);
      assert.match(reason, /the floor is 4 instead of 6, set by kubectl-edit; amendFloor asks for it again/);
      assert.match((await lane.headroom('show', RUN)).stdout, /contested \(not held: the floor is 4 instead of 6/);
      assert.equal(await lane.floor(), 4);

      assert.equal((await lane.headroom('amend', RUN, '--floor', '7')).code, 0);
      await eventually('seven are held', async () => (await lane.floor()) === 7);
      await untilTold(lane, 'applied', /^$/);
      const result = await letGo(lane);
      assert.match(result?.drift.join() ?? '', /floor was 3 and is 4: somebody else set it meanwhile/);
      await ownersAre(lane, 4, 10);
    }));

  it('puts back what a person lowered where policy says so, and notes whom it overruled', () =>
    held({ policy: { ledger: { whenPersonLowers: 'reapply' } } }, async (lane) => {
      await setFloor(lane, 4);
      await eventually('six are held again', async () => (await lane.floor()) === 6);
      const { writes } = await askLedger(lane);
      assert.match(writes.at(-1)?.why ?? '', /kubectl-edit set floor to 4: put back to 6/);
      await letGo(lane);
      await ownersAre(lane, 4, 10);
    }));

  it('leaves what is raised above ours, and never overwrites it', () =>
    held({}, async (lane) => {
      await setFloor(lane, 8);
      await eventually('it is noticed', async () => {
        const { standing } = await askLedger(lane);
        return standing?.drift.some(({ field, found }) => field === 'floor' && found === 8);
      });
      await letGo(lane);
      assert.deepEqual(lane.floorsWritten(), [6]);
      await ownersAre(lane, 8, 10);
    }));

  it('overrules a controller three times, then tells the run and `show` that it is not held, and by whom', () =>
    held({}, async (lane) => {
      const controller = aController(lane, 3);
      const reason = await untilTold(lane, 'contested', /reverted by argocd-controller/);
      assert.match(reason, /not held: the floor is 3 instead of 6/);
      assert.match((await lane.headroom('show', RUN)).stdout, /reverted by argocd-controller/);
      assert.deepEqual(lane.floorsWritten(), [6, 6, 6, 6]);
      await controller.stop();
      await letGo(lane);
      assert.deepEqual(lane.floorsWritten(), [6, 6, 6, 6], 'what it reverted is not written again');
      await ownersAre(lane, 3, 10);
    }));
});

describe('the governor is another one in the middle of the hold', { concurrency: 3 }, () => {
  it('holds an autoscaler that was deleted and made anew, and gives that one back as it came', () =>
    held({}, async (lane) => {
      await lane.admin.remove(...HPA);
      await lane.admin.create('HorizontalPodAutoscaler', {
        metadata: { name: 'tensafe-hpa' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'tensafe-server' },
          minReplicas: 2,
          maxReplicas: 9,
        },
      });
      await eventually('the new one holds six', async () => (await lane.floor()) === 6);
      const result = await letGo(lane);
      assert.match(result?.drift.join() ?? '', /another object governs the workload now/);
      await ownersAre(lane, 2, 9);
    }));

  it('holds the workload itself when its autoscaler is deleted, and leaves no mark on it', () =>
    held({}, async (lane) => {
      await lane.admin.remove(...HPA);
      await eventually('the workload bears the hold', async () => {
        const { metadata } = await lane.admin.get(...WORKLOAD);
        return metadata.labels?.['headroom.dev/held'] === 'true';
      });
      assert.equal((await lane.admin.get(...WORKLOAD)).spec['replicas'], 6);
      const result = await letGo(lane);
      assert.match(result?.drift.join() ?? '', /another object governs the workload now/);
      const { metadata } = await lane.admin.get(...WORKLOAD);
      assert.equal(metadata.labels?.['headroom.dev/held'], undefined);
      assert.deepEqual(
        Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith('headroom.dev/')),
        [],
      );
    }));

  it('keeps the claim of a workload that vanished, says so, and holds it when it is back', () =>
    held({}, async (lane) => {
      const { spec } = await lane.admin.get(...WORKLOAD);
      await lane.admin.remove(...WORKLOAD);
      await untilTold(lane, 'refused', /tensafe-server does not exist/);
      assert.equal((await askLedger(lane)).claims.length, 1);
      await lane.admin.create('Deployment', { metadata: { name: 'tensafe-server' }, spec: { ...spec, replicas: 3 } });
      await untilTold(lane, 'applied', /^$/);
      await eventually('six pods are available', async () => (await lane.available()) === 6);
      await letGo(lane);
      await ownersAre(lane, 3, 10);
    }));
});

describe('a hold that cannot act', { concurrency: 3 }, () => {
  it('touches nothing while headroom.dev/ignore stands there, says so, and goes on when it is gone', () =>
    held({}, async (lane) => {
      const ignore = (value: string | null) =>
        lane.admin.patch(...WORKLOAD, { metadata: { annotations: { 'headroom.dev/ignore': value } } });
      await ignore('true');
      await untilTold(lane, 'refused', /headroom\.dev\/ignore=true is set; remove the annotation/);
      const writes = lane.writes().length;
      assert.equal((await lane.headroom('skip', RUN)).code, 0);
      await eventually('the run waits', async () =>
        (await lane.status(RUN)).pending.some(
          ({ activity, lastFailure }) => activity === 'awaitReleased' && lastFailure !== null,
        ),
      );
      assert.equal(await lane.floor(), 6);
      assert.equal(lane.writes().length, writes);
      await ignore(null);
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await ownersAre(lane, 3, 10);
    }));

  it('says that an HPA at 0 replicas obeys no floor, and holds again when somebody switched it on', () =>
    held({}, async (lane) => {
      const owners = { min: 3, max: 10 };
      await lane.admin.patch(...WORKLOAD, { spec: { replicas: 0 } });
      await untilTold(lane, 'refused', /not held: its workload is at 0 replicas, where an HPA is switched off/);
      await lane.admin.patch(...WORKLOAD, { spec: { replicas: 1 } });
      await untilTold(lane, 'applied', /^$/);
      await eventually('six pods are available', async () => (await lane.available()) === 6);
      await letGo(lane);
      noWriteIsUnder(lane, owners.min);
      await ownersAre(lane, owners.min, owners.max);
    }));

  it('says that two autoscalers stop each other when a second one comes, writes nothing, and goes on without it', () =>
    held({}, async (lane) => {
      const owners = { ...(await lane.snapshot()).spec };
      await lane.admin.create('HorizontalPodAutoscaler', {
        metadata: { name: 'second-hpa' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'tensafe-server' },
          minReplicas: 1,
          maxReplicas: 2,
        },
      });
      await untilTold(lane, 'refused', /second-hpa.*target the same workload|target the same workload/);
      assert.deepEqual((await lane.snapshot()).spec, owners);
      await lane.admin.remove('HorizontalPodAutoscaler', 'second-hpa');
      await untilTold(lane, 'applied', /^$/);
      await letGo(lane);
      await ownersAre(lane, 3, 10);
    }));
});

describe('a maximum of the owner’s that is under the live count', () => {
  it('comes back last, when the count is no longer above it: no pod is cut for it', () =>
    inLane({}, async (lane) => {
      // who has scale-in off keeps what came, until a person takes it away
      const behavior = { scaleDown: { selectPolicy: 'Disabled' } };
      await lane.admin.patch(...HPA, { spec: { maxReplicas: 4, behavior } });
      await eventually('three pods are available', async () => (await lane.available()) === 3);
      const owners = await lane.snapshot();
      await lane.startWorker();
      await startSale(lane);
      await untilPhase(lane, 'holding');
      await lane.headroom('skip', RUN);
      await eventually('it waits', async () =>
        /its maximum of before, 4, comes back when the count is no longer above it/.test(
          (await lane.status(RUN)).pending.find(({ activity }) => activity === 'awaitReleased')?.lastFailure ?? '',
        ),
      );
      const { spec } = await lane.snapshot();
      assert.deepEqual({ min: spec['minReplicas'], max: spec['maxReplicas'] }, { min: 3, max: 7 });
      assert.equal((await lane.admin.get(...WORKLOAD)).spec['replicas'], 6);
      await lane.admin.patch(...WORKLOAD, { spec: { replicas: 3 } });
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await untilHome(lane, owners, { withinMs: 1 });
    }));
});

describe('a hold whose marks went with a copy of the object', () => {
  it('is given back from the copy, exactly', () =>
    held({}, async (lane) => {
      const { metadata, spec } = await lane.governorObject();
      await lane.admin.remove(...HPA);
      await lane.admin.create('HorizontalPodAutoscaler', {
        metadata: {
          name: 'tensafe-hpa',
          annotations: metadata.annotations ?? {},
          labels: metadata.labels ?? {},
        },
        spec,
      });
      await letGo(lane);
      await ownersAre(lane, 3, 10);
      await untilHome(lane, await lane.snapshot(), { withinMs: 1 });
    }));
});
