import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { GOVERNORS, inLane, KEDAS_HPA, type Lane, type LaneOptions } from '../harness/lane.ts';
import { RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { servers } from '../harness/servers.ts';

const WORKLOAD = 'tensafe-server';
const run = `configure-autoscaler.${WORKLOAD}`;
/** A look of the HPA controller more, a look of the run, and a busy machine. */
const VERIFIED = { withinMs: 90_000 };

const scaleDown = { stabilisation: '10m', policies: [{ type: 'Pods', value: 1, period: '60s' }] };
const scaleUp = { stabilisation: '0s', policies: [{ type: 'Percent', value: 100, period: '15s' }] };
const behavior = {
  scaleDown: {
    stabilizationWindowSeconds: 600,
    selectPolicy: 'Max',
    policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }],
  },
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
  },
};
const limits = { min: 2, max: 11 };
const triggers = { queue: { query: 'vector(1)', threshold: 40, metricType: 'AverageValue' } };
const AUTOSCALER = {
  hpa: { use: 'hpa', hpa: { object: GOVERNORS.hpa.name, limits, cpuUtilisation: 60, scaleDown, scaleUp } },
  keda: {
    use: 'keda',
    keda: { object: GOVERNORS.keda.name, limits, polling: '15s', cooldown: '60s', triggers, scaleDown, scaleUp },
  },
} as const;

/** Its trigger of all year, and one that a policy can name. */
const scaledObject = () => ({
  triggers: [
    {
      type: 'prometheus',
      name: 'queue',
      metricType: 'AverageValue',
      metadata: { serverAddress: servers().addresses.prometheus, query: 'vector(1)', threshold: '50' },
    },
  ],
});

const inConfiguredLane = (
  governor: 'hpa' | 'keda',
  act: (lane: Lane) => Promise<void>,
  { change = {}, ...options }: LaneOptions & { readonly change?: object } = {},
): Promise<void> =>
  inLane(
    {
      governor,
      scaledObject: scaledObject(),
      policy: { autoscaler: { [WORKLOAD]: { ...AUTOSCALER[governor], thrashingStabilisation: '15m', ...change } } },
      ...options,
    },
    async (lane) => {
      await lane.startWorker();
      await act(lane);
    },
  );

const autoscaler = (lane: Lane, word: string, ...rest: readonly string[]) =>
  lane.headroom('autoscaler', word, WORKLOAD, ...rest);

/** The spec without what nobody asked to change. */
const wantedOf = (governor: 'hpa' | 'keda', spec: Readonly<Record<string, unknown>>) =>
  governor === 'hpa'
    ? {
        ...spec,
        minReplicas: 2,
        maxReplicas: 11,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
        ],
        behavior,
      }
    : {
        ...spec,
        minReplicaCount: 2,
        maxReplicaCount: 11,
        pollingInterval: 15,
        cooldownPeriod: 60,
        // KEDA writes `scalingModifiers: {}` there when it takes the object over
        advanced: { ...(spec['advanced'] as object), horizontalPodAutoscalerConfig: { behavior } },
        triggers: scaledObject().triggers.map((one) => ({ ...one, metadata: { ...one.metadata, threshold: '40' } })),
      };

const stabilisationOf = async (lane: Lane, name: string) => {
  const { spec } = await lane.admin.get('HorizontalPodAutoscaler', name);
  return (spec['behavior'] as { readonly scaleDown?: { readonly stabilizationWindowSeconds?: number } } | undefined)
    ?.scaleDown?.stabilizationWindowSeconds;
};

describe('the settings of an autoscaler', { concurrency: true }, () => {
  for (const governor of ['hpa', 'keda'] as const) {
    describe(`configuring an autoscaler, ${GOVERNORS[governor].words}`, () => {
      it('is planned value by value, written once, seen to work, and not needed then', () =>
        inConfiguredLane(governor, async (lane) => {
          const owners = await lane.snapshot();
          const plan = await autoscaler(lane, 'configure', '--plan');
          assert.equal(plan.code, 0, plan.stderr);
          assert.match(plan.stdout, /change +min(Replicas|ReplicaCount): 3 -> 2/);
          assert.deepEqual([await lane.snapshot(), lane.writes()], [owners, []]);

          const done = await autoscaler(lane, 'configure', '--as', 'alice', '--wait');
          assert.equal(done.code, 0, done.stderr);
          assert.match(done.stdout, /result +configured/);
          const { spec } = await lane.snapshot();
          assert.deepEqual(spec, wantedOf(governor, owners.spec));
          assert.equal(lane.writes().length, 1);
          if (governor === 'keda') assert.equal(await stabilisationOf(lane, KEDAS_HPA), 600);

          const again = await autoscaler(lane, 'configure', '--wait');
          assert.match(again.stdout, /not needed[\s\S]*is as headroom.yaml has it/);
          assert.equal(lane.writes().length, 1);
          await lane.record(`configured-${governor}`);
        }));

      it('is of what comes back while a run holds the workload, and leaves the hold alone', () =>
        inConfiguredLane(governor, async (lane) => {
          const owners = await lane.snapshot();
          await startSale(lane, { words: ['--replicas', '6'] });
          await untilPhase(lane, 'holding');
          const done = await autoscaler(lane, 'configure', '--wait');
          assert.equal(done.code, 0, `${done.stderr}\n${done.stdout}`);
          assert.equal(await lane.floor(), 6);
          const cancelled = await lane.headroom('cancel', RUN);
          assert.equal(cancelled.code, 0, cancelled.stderr);
          await untilClosed(lane);
          await untilHome(lane, { ...owners, spec: wantedOf(governor, owners.spec) });
        }));
    });
  }

  describe('new settings that do not work', () => {
    it('are taken back exactly, and said to be', () =>
      inConfiguredLane(
        'hpa',
        async (lane) => {
          await eventually(
            'the HPA reads its metrics',
            async () => (await autoscaler(lane, 'status')).stdout.includes('its metrics are read'),
            { withinMs: 60_000, everyMs: 2_000 },
          );
          const owners = await lane.snapshot();
          const done = await autoscaler(lane, 'configure', '--wait');
          assert.equal(done.code, 1, done.stdout);
          assert.match(done.stdout, /result +undone \(the old values are back\)[\s\S]*missing request for memory/);
          assert.deepEqual(await lane.snapshot(), owners);
          await lane.record('configuration-undone');
        },
        // memory is not asked for, so nobody can say how much of it is used
        {
          pod: { requests: { cpu: '100m' } },
          change: { hpa: { ...AUTOSCALER.hpa.hpa, memoryUtilisation: 80, limits: { min: 1, max: 10 } } },
        },
      ));
  });

  describe('calming a count that swings', { concurrency: 2 }, () => {
    it('ends by itself at its date, under an HPA, exactly', () =>
      inConfiguredLane('hpa', async (lane) => {
        const owners = await lane.snapshot();
        const began = await autoscaler(lane, 'calm', '--for', '1m', '--stabilisation', '12m');
        assert.equal(began.code, 0, began.stderr);
        await untilPhase(lane, 'holding', { run, ...VERIFIED });
        assert.equal(await stabilisationOf(lane, GOVERNORS.hpa.name), 720);
        const status = await autoscaler(lane, 'status');
        assert.match(status.stdout, /settings +behavior.*, until 20[^,]*, by configure-autoscaler/);
        const second = await autoscaler(lane, 'configure');
        assert.equal(second.code, 3);
        assert.match(second.stderr, new RegExp(`being changed already: ${run}`));
        assert.equal(await untilClosed(lane, { run, withinMs: 90_000 }), 'COMPLETED');
        assert.deepEqual(await lane.snapshot(), owners);
        const { result } = await lane.status(run);
        assert.deepEqual([result?.outcome, result?.restored, result?.drift], ['configured', true, []]);
        await lane.record('calmed-hpa');
      }));

    it('reaches KEDA’s HPA, and is taken back where the run is cancelled', () =>
      inConfiguredLane('keda', async (lane) => {
        const owners = await lane.snapshot();
        const began = await autoscaler(lane, 'calm', '--for', '2h');
        assert.equal(began.code, 0, began.stderr);
        await untilPhase(lane, 'holding', { run, ...VERIFIED });
        assert.equal(await stabilisationOf(lane, KEDAS_HPA), 900);
        const later = await lane.headroom('extend', run, '--for', '7d');
        assert.equal(later.code, 3);
        const cancelled = await lane.headroom('cancel', run);
        assert.equal(cancelled.code, 0, cancelled.stderr);
        await untilClosed(lane, { run });
        assert.deepEqual(await lane.snapshot(), owners);
      }));

    it('is ended by a word, and keeps what somebody else has set meanwhile', () =>
      inConfiguredLane('hpa', async (lane) => {
        const owners = await lane.snapshot();
        await autoscaler(lane, 'calm', '--for', '2h');
        await untilPhase(lane, 'holding', { run, ...VERIFIED });
        await lane.admin.patch('HorizontalPodAutoscaler', GOVERNORS.hpa.name, { spec: { maxReplicas: 9 } });
        const ended = await lane.headroom('end', run, '--as', 'bob');
        assert.equal(ended.code, 0, ended.stderr);
        assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
        assert.deepEqual((await lane.snapshot()).spec, { ...owners.spec, maxReplicas: 9 });
      }));
  });
});
