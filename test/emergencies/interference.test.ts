import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EMERGENCY as run, isScaleInOff, isScaleInOffOn } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import type { Stored } from '../harness/kube.ts';
import { GOVERNORS, inLane, type Lane } from '../harness/lane.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { startWebhook } from '../harness/webhook.ts';

type GovernorName = 'hpa' | 'keda';

/** Nobody scales for load and it does not go quiet: what happens to the freeze is somebody's doing. */
const HELD_ON = { cpuPercent: 10_000, policy: { preScale: { quiet: { window: '10m', askAfter: '20m' } } } };
const FREEZE = 'autoscaling.keda.sh/paused-scale-in';
const OFF = {
  hpa: { spec: { behavior: { scaleDown: { selectPolicy: 'Max' } } } },
  keda: { metadata: { annotations: { [FREEZE]: 'false' } } },
} as const;
/** As a controller takes it off that wants to see nothing there. What nobody owns any more has nobody's name on it. */
const GONE = {
  hpa: { ...OFF.hpa, by: 'argocd-controller' },
  keda: { metadata: { annotations: { [FREEZE]: null } }, by: 'somebody' },
} as const;

const patch = (lane: Lane, governor: GovernorName, body: object, by?: string) => {
  const { kind, name } = GOVERNORS[governor];
  return lane.admin.patch(kind, name, body, by);
};

async function untilHeld(lane: Lane): Promise<void> {
  await eventually('three pods are available', async () => (await lane.available()) === 3);
  await lane.load(1);
  await lane.startWorker();
  const began = await lane.headroom('emergency', 'tensafe-server', '--json');
  assert.equal(began.code, 0, began.stderr);
  await untilPhase(lane, 'holding', { run });
  assert.equal(await isScaleInOff(lane), true);
}

/** What the run is told of its claim, once it is this. */
const untilTold = (lane: Lane, state: string) =>
  eventually(`the run is told that it is ${state}`, async () => {
    const claim = (await lane.status(run)).status?.claim;
    return claim?.state === state && claim.reason;
  });

async function letGo(lane: Lane) {
  const skipped = await lane.headroom('skip', run, '--as', 'bob');
  assert.equal(skipped.code, 0, skipped.stderr);
  assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
  const { result } = await lane.status(run);
  assert.ok(result);
  return result;
}

for (const governor of ['hpa', 'keda'] as const)
  describe(
    `the freeze of an emergency that somebody takes off, ${GOVERNORS[governor].words}`,
    { concurrency: true },
    () => {
      it('stays off where a person did it, who is named; and is on again when more is asked for', () =>
        inLane({ ...HELD_ON, governor }, async (lane) => {
          await untilHeld(lane);
          const { labels, uid } = await lane.snapshot();
          await patch(lane, governor, OFF[governor]);
          assert.equal(
            await untilTold(lane, 'contested'),
            'not held: scale-in is not frozen, set by kubectl-edit; amendFloor, or a new hold, asks for it again',
          );
          const shown = await lane.headroom('show', run);
          assert.match(shown.stdout, /contested \(not held: scale-in is not frozen, set by kubectl-edit/);
          assert.deepEqual([await lane.floor(), await isScaleInOff(lane), lane.floorsWritten()], [6, false, [6]]);

          assert.equal((await lane.headroom('amend', run, '--floor', '7')).code, 0);
          await eventually('seven are held, with scale-in off', async () => {
            return (await lane.floor()) === 7 && (await isScaleInOff(lane));
          });
          assert.equal(await untilTold(lane, 'applied'), '');
          assert.deepEqual([(await lane.snapshot()).labels, (await lane.snapshot()).uid], [labels, uid]);
          const { outcome, reasons, restored } = await letGo(lane);
          assert.deepEqual([outcome, restored], ['short', true]);
          assert.match(reasons.join('\n'), /scale-in is not frozen, set by kubectl-edit/);
          assert.equal(await isScaleInOff(lane), false);
          assert.equal(await lane.floor(), 3);
        }));

      it('is put back three times where a controller does it, and then the run and `show` say by whom it is not held', () =>
        inLane({ ...HELD_ON, governor }, async (lane) => {
          await untilHeld(lane);
          const { by, ...body } = GONE[governor];
          const ending = new AbortController();
          // a lane that is closed under it has failed for another reason
          const controller = (async () => {
            while (!ending.signal.aborted) {
              if (await isScaleInOff(lane)) await patch(lane, governor, body, 'argocd-controller');
              await sleep(200);
            }
          })().catch(() => undefined);
          assert.equal(
            await untilTold(lane, 'contested'),
            `not held: scale-in is not frozen, reverted by ${by}; stop it, or let it ignore this field`,
          );
          const freezes = lane.writes().filter(({ responseObject }) => isScaleInOffOn(responseObject as Stored));
          assert.equal(freezes.length, 4, 'once, and three times again');
          assert.equal(await lane.floor(), 6);
          const { outcome, restored } = await letGo(lane);
          ending.abort();
          await controller;
          assert.deepEqual([outcome, restored], ['short', true]);
          assert.deepEqual([await lane.floor(), await isScaleInOff(lane)], [3, false]);
        }));
    },
  );

describe('an emergency of a workload at 0 replicas, where policy allows to bring it up', { concurrency: true }, () => {
  const policy = {
    emergencyScaleUp: { fromZero: true },
    workloads: { 'tensafe-server': { limits: { min: 2, max: 12 } } },
  };
  const toZero = async (lane: Lane) => {
    await lane.admin.patch('Deployment', 'tensafe-server', { spec: { replicas: 0 } });
    await eventually('no pod is there', async () => (await lane.available()) === 0);
  };

  it('is refused under an HPA, which is switched off there, and touches nothing', () =>
    inLane({ policy }, async (lane) => {
      await toZero(lane);
      const owners = await lane.snapshot();
      await lane.startWorker();
      const { code, stderr } = await lane.headroom('emergency', 'tensafe-server');
      assert.equal(code, 3);
      assert.match(
        stderr,
        /is at 0 replicas, where an HPA is switched off and obeys no floor; scale it to 1 or more first/,
      );
      assert.deepEqual([await lane.snapshot(), lane.writes()], [owners, []]);
    }));

  it('brings it to its minimum where nothing else scales it, and back to nothing', () =>
    inLane({ governor: 'none', policy }, async (lane) => {
      await toZero(lane);
      await lane.load(1);
      const owners = await lane.snapshot();
      await lane.startWorker();
      const began = await lane.headroom('emergency', 'tensafe-server', '--json');
      assert.equal(began.code, 0, began.stderr);
      await eventually('two pods are available', async () => (await lane.available()) === 2);
      const { outcome, restored } = await letGo(lane);
      assert.deepEqual([outcome, restored], ['done', true]);
      await untilHome(lane, owners);
      assert.deepEqual(lane.floorsWritten(), [2, 1, 0]);
    }));
});

describe('two webhooks for one workload', () => {
  it('make one run and one doubling of what both are told at the same time, and of what each is told', () =>
    inLane(
      {
        ...HELD_ON,
        policy: {
          ...HELD_ON.policy,
          alertRules: { EmergencyLatency: { procedure: 'emergencyScaleUp', workload: 'tensafe-server' } },
        },
      },
      async (lane) => {
        await eventually('three pods are available', async () => (await lane.available()) === 3);
        await lane.load(1);
        await lane.startWorker();
        const webhooks = await Promise.all([startWebhook(lane), startWebhook(lane)]);
        try {
          const alert = (n: number) => ({ name: 'EmergencyLatency', fingerprint: n.toString(16).padStart(16, '0') });
          // half of it both hear; who is told to come again, comes again
          const told = await Promise.all(
            webhooks.flatMap((webhook, which) =>
              Array.from({ length: 20 }, (_, n) => alert(n < 10 ? n : n + 10 * which)).map((one) =>
                eventually(`alert ${one.fingerprint} is taken`, async () => {
                  const answer = await webhook.tell([one]);
                  return answer.status === 200 && answer.alerts[0]?.disposition;
                }),
              ),
            ),
          );
          assert.equal(told.filter((disposition) => disposition === 'started' || disposition === 'joined').length, 40);
          await untilPhase(lane, 'holding', { run });
          assert.equal((await lane.status(run)).status?.alerts?.heard, 30);
          assert.deepEqual([await lane.floor(), await isScaleInOff(lane), lane.writes().length], [6, true, 1]);
          const runs = [];
          for await (const { type } of lane.temporal.workflow.list()) if (type === 'emergencyScaleUp') runs.push(type);
          assert.equal(runs.length, 1);
        } finally {
          await Promise.all(webhooks.map((webhook) => webhook.stop()));
        }
      },
    ));
});
