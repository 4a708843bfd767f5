import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isScaleInOff } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import { GOVERNORS, inLane, type Lane } from '../harness/lane.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

const WORKLOAD = 'tensafe-server';
const run = `hold-capacity.${WORKLOAD}`;
const PAUSED = 'autoscaling.keda.sh/paused';
const CEILINGS = { hpa: 'maxReplicas', keda: 'maxReplicaCount' } as const;

interface Status {
  readonly isWell: boolean;
  readonly findings: readonly { readonly what: string; readonly says: string; readonly needsPerson: boolean }[];
}

const inWorkedLane = (governor: 'hpa' | 'keda', act: (lane: Lane) => Promise<void>): Promise<void> =>
  inLane({ governor }, async (lane) => {
    await lane.startWorker();
    await act(lane);
  });

const autoscaler = (lane: Lane, word: string, ...rest: readonly string[]) =>
  lane.headroom('autoscaler', word, WORKLOAD, ...rest);

/** Exit code, everything it says, and what of it needs a person. */
async function askStatus(lane: Lane) {
  const { code, stdout, stderr } = await autoscaler(lane, 'status', '--json');
  assert.notEqual(stdout, '', stderr);
  const { isWell, findings } = JSON.parse(stdout) as Status;
  assert.equal(code, isWell ? 0 : 1);
  const line = ({ what, says }: Status['findings'][number]) => `${what}: ${says}`;
  return {
    all: findings.map(line).join('\n'),
    alarms: findings
      .filter((one) => one.needsPerson)
      .map(line)
      .join('\n'),
  };
}

/** An HPA needs a moment to read its first metrics. */
const untilCalm = (lane: Lane) =>
  eventually(
    'nothing needs a person',
    async () => {
      const { all, alarms } = await askStatus(lane);
      if (alarms !== '') throw new Error(all);
      return all;
    },
    { withinMs: 60_000, everyMs: 1_000 },
  );

for (const governor of ['hpa', 'keda'] as const) {
  describe(`a hold of an autoscaler, ${GOVERNORS[governor].words}`, { concurrency: true }, () => {
    it('freezes scale-in and nothing else, is the only one, is seen, and is released exactly', () =>
      inWorkedLane(governor, async (lane) => {
        const owners = await lane.snapshot();
        const plan = await lane.headroom('plan', 'autoscaler-hold', WORKLOAD, '--for', '2h');
        assert.equal(plan.code, 0, plan.stderr);
        assert.match(plan.stdout, /freeze +no scale-in, scale-out alive; floor and maximum stay 3 to 10/);
        assert.deepEqual(await lane.snapshot(), owners);

        const began = await autoscaler(lane, 'hold', '--for', '2h', '--reason', 'maintenance', '--as', 'alice');
        assert.equal(began.code, 0, began.stderr);
        await untilPhase(lane, 'holding', { run });
        const { spec } = await lane.snapshot();
        assert.deepEqual([await isScaleInOff(lane), await lane.floor(), spec[CEILINGS[governor]]], [true, 3, 10]);
        const second = await autoscaler(lane, 'hold', '--for', '1h');
        assert.deepEqual([second.code, second.stdout], [3, '']);
        assert.match(second.stderr, new RegExp(`has a hold already: ${run}`));
        const { all, alarms } = await askStatus(lane);
        assert.doesNotMatch(alarms, /paused|contested|not held|ledger/);
        assert.match(
          all,
          /^hold: no scale-in, by hold-capacity.tensafe-server: maintenance, asked for by alice, until /m,
        );
        assert.match(all, /^bounds: 3 to 10, scale-in is off$/m);
        for (const [words, why] of [
          [['extend', run, '--for', '7d'], /at most 7d from now/],
          [['suspend', run], /has one step left, its end/],
          [['amend', run, '--floor', '4'], /asks for no count/],
        ] as const) {
          const steered = await lane.headroom(...words);
          assert.equal(steered.code, 3, steered.stdout);
          assert.match(steered.stderr, why);
        }

        const released = await autoscaler(lane, 'release', '--as', 'bob');
        assert.equal(released.code, 0, released.stderr);
        assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
        await untilHome(lane, owners);
        const { result, status } = await lane.status(run);
        assert.deepEqual([result?.outcome, result?.restored, result?.drift, result?.reasons], ['done', true, [], []]);
        assert.ok(status?.timeline.some(({ what }) => what === 'the hold was ended by bob'));
        assert.deepEqual(lane.floorsWritten(), []);
        await lane.record(`hold-freeze-${governor}`);
      }));

    it('pauses at the count of now, and ends by itself at its date, exactly', () =>
      inWorkedLane(governor, async (lane) => {
        const owners = await lane.snapshot();
        const began = await autoscaler(lane, 'hold', '--for', '25s', '--mode', 'pause', '--json');
        assert.equal(began.code, 0, began.stderr);
        await untilPhase(lane, 'holding', { run });
        const { spec } = await lane.snapshot();
        assert.deepEqual([await lane.floor(), spec[CEILINGS[governor]]], [3, 3]);
        const { all, alarms } = await askStatus(lane);
        assert.doesNotMatch(alarms, /paused/);
        assert.match(all, /^bounds: 3 to 3; the owner’s are 3 to 10$/m);
        assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
        await untilHome(lane, owners);
        const { result } = await lane.status(run);
        assert.deepEqual([result?.outcome, result?.restored, result?.drift], ['done', true, []]);
        await lane.record(`hold-pause-${governor}`);
      }));
  });
}

describe('a pause that is somebody else’s', () => {
  it('is named with its hand and its age, refuses a hold, and is not released', () =>
    inWorkedLane('keda', async (lane) => {
      await lane.admin.patch(
        'ScaledObject',
        GOVERNORS.keda.name,
        { metadata: { annotations: { [PAUSED]: 'true' } } },
        'kubectl-annotate',
      );
      const hold = await autoscaler(lane, 'hold', '--for', '1h');
      assert.equal(hold.code, 3);
      assert.match(hold.stderr, /obeys no floor: it is paused by autoscaling.keda.sh\/paused=true/);
      const { code, stderr } = await autoscaler(lane, 'release');
      assert.equal(code, 3);
      assert.match(stderr, /there is nothing to release/);
      assert.match(stderr, /paused=true, by kubectl-annotate, since at least .*: not headroom’s, so it stays/);
      assert.equal((await lane.snapshot()).annotations[PAUSED], 'true');
      const { all, alarms } = await askStatus(lane);
      assert.match(alarms, /^paused: ScaledObject .*paused=true, by kubectl-annotate, since at least [^\n]*$/);
      assert.match(all, /^readiness: it obeys no floor: it is paused by/m);
    }));
});

describe('the status of a workload’s autoscaling', { concurrency: true }, () => {
  for (const governor of ['hpa', 'keda'] as const)
    it(`is well ${GOVERNORS[governor].words} where nobody has stopped anything, and writes nothing`, () =>
      inWorkedLane(governor, async (lane) => {
        const owners = await lane.snapshot();
        const all = await untilCalm(lane);
        assert.match(all, /^hold: nobody$/m);
        assert.match(all, /its metrics are read/);
        assert.deepEqual([await lane.snapshot(), lane.writes()], [owners, []]);
      }));

  it('calls a person for two autoscalers, and says what each has', () =>
    inWorkedLane('keda', async (lane) => {
      await lane.admin.create('HorizontalPodAutoscaler', {
        metadata: { name: 'rival-hpa' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: WORKLOAD },
          minReplicas: 1,
          maxReplicas: 20,
        },
      });
      const alarms = await eventually('Kubernetes says it too', async () => {
        const status = await askStatus(lane);
        return status.alarms.includes('AmbiguousSelector') && status.alarms;
      });
      assert.match(
        alarms,
        /^conflict: 2 autoscalers target .*rival-hpa \(1 to 20\).*tensafe-scaledobject \(3 to 10\)/m,
      );
      assert.match(alarms, /^metrics: rival-hpa: another autoscaler has its pods too/m);
    }));

  it('calls a person for metrics that nobody serves, and goes on with all else', () =>
    inWorkedLane('hpa', async (lane) => {
      const target = { type: 'AverageValue', averageValue: '10' };
      const metrics = [{ type: 'Pods', pods: { metric: { name: 'nobody-serves-this' }, target } }];
      await lane.admin.patch('HorizontalPodAutoscaler', GOVERNORS.hpa.name, { spec: { metrics } });
      const { all, alarms } = await eventually('the HPA says so', async () => {
        const status = await askStatus(lane);
        return /its metrics are not read/.test(status.alarms) && status;
      });
      assert.match(alarms, /^metrics: its metrics are not read \(ScalingActive=False, FailedGetPodsMetric/m);
      assert.match(alarms, /^api: nobody serves custom.metrics.k8s.io/m);
      assert.match(all, /^bounds: 3 to 10$/m);
    }));

  it('names the workloads that there are to whoever asks for another', () =>
    inWorkedLane('hpa', async (lane) => {
      const { code, stderr } = await lane.headroom('autoscaler', 'status', 'tensafe-sever');
      assert.equal(code, 3);
      assert.match(stderr, /tensafe-sever is not in headroom.yaml; known are tensafe-server/);
    }));
});
