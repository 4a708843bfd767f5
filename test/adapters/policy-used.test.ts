import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it, mock } from 'node:test';
import { createActivities } from '../../activities/index.ts';
import { messageOf } from '../../activities/failure.ts';
import { policyOf } from '../../activities/policy.ts';
import { readPolicy } from '../../adapters/policy-file.ts';
import { VALUES_READ_NOW } from '../../adapters/policy-schema.ts';
import { createMetricsPort } from '../../adapters/prometheus.ts';
import { routeAlert } from '../../domain/alerts.ts';
import type { GpuFacts } from '../../domain/gpu-status.ts';
import { canonicalJson } from '../../domain/json.ts';
import { planEmergency } from '../../domain/emergency.ts';
import { planConfiguration } from '../../domain/configuration.ts';
import {
  eksClusterOf,
  refOf,
  resolveAutoscaler,
  resolveEmergency,
  resolveSteps,
  type AutoscalerPolicy,
  type Policy,
  type ResolvedAutoscaler,
  type ResolvedEmergency,
  type ResolvedPolicy,
  type ResolvedSteps,
} from '../../domain/policy.ts';
import { standingKey, type HoldStanding } from '../../domain/hold-standing.ts';
import { planPreScale, type PreScaleRequest } from '../../domain/pre-scale.ts';
import type { WorkloadState } from '../../domain/workload.ts';
import { NO_CLOUD } from '../fakes/no-cloud.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { FakeDrains } from '../fakes/drains.ts';
import { FakeMetrics } from '../fakes/metrics.ts';
import { FakeNodes } from '../fakes/nodes.ts';
import { anActivity } from '../harness/activity.ts';
import { POLICY_CHANGES } from './policy-changes.ts';
import { ADDITION_VALUES_READ_NOW } from '../../adapters/policy-addition-schema.ts';
import { DRAIN_VALUES_READ_NOW } from '../../adapters/policy-drain-schema.ts';
import { planAddition, resolveAddition } from '../../domain/addition.ts';
import { resolveDrain } from '../../domain/drain-policy.ts';
import { planDrain } from '../../domain/drain.ts';
import { aSurvey as aGroupSurvey } from '../domain/addition-builders.ts';
import { aGroup, aGpuNode, aSurvey } from '../domain/drain-builders.ts';

const CALM = { fresh: true, reappliedAtMs: [], silent: false, cluster: null };
const shipped = { name: 'headroom.yaml', text: await readFile('examples/tensafe/headroom.yaml', 'utf8') };
const nowMs = Date.UTC(2026, 10, 27, 6);
const hour = 3_600_000;

/** A policy in a world of fakes where it is read: the same world each time, so that only the policy can differ. */
class World {
  readonly policy: Policy;
  readonly cluster = new FakeCluster();
  readonly metrics = new FakeMetrics();
  readonly activities: ReturnType<typeof createActivities>;
  readonly run = anActivity();

  constructor(policy: Policy) {
    this.policy = policy;
    const tensafe = { object: 'tensafe-server', namespace: 'tensafe', kind: 'Deployment' } as const;
    this.cluster.addWorkload({ ...tensafe, name: 'tensafe-server', replicas: 3 });
    this.activities = createActivities({
      workloads: this.cluster,
      metrics: this.metrics,
      ledger: { claim: async () => {}, release: async () => {}, wake: async () => {} },
      ...NO_CLOUD,
      runs: { isRunning: async () => this.run.slept.length === 0, find: async () => null, countSince: async () => 0 },
      policy: { policy: () => policy },
      nodes: new FakeNodes(),
      evictions: new FakeNodes(),
      drains: new FakeDrains(),
    });
  }

  resolved(workload = 'tensafe-server'): ResolvedPolicy {
    return policyOf({ policy: { policy: () => this.policy } }, workload);
  }

  /** What an activity throws is its answer too. */
  async act(run: () => Promise<unknown>): Promise<unknown> {
    try {
      return await this.run.act(run);
    } catch (error) {
      const { nextRetryDelay = null } = error as { readonly nextRetryDelay?: number };
      return { failed: messageOf(error), nextRetryDelay };
    }
  }

  route(alertname: string): unknown {
    return routeAlert(this.policy, { labels: { alertname } });
  }

  plan(
    target: PreScaleRequest['target'] = { kind: 'factor', factor: 0.1 },
    workload = 'tensafe-server',
    more: object = {},
  ): unknown {
    const event = { name: 'sale', startMs: nowMs + 2 * hour, endMs: nowMs + 4 * hour };
    const policy = this.resolved(workload);
    const self = { namespace: 'tensafe', name: workload, uid: 'u', fields: { floor: 4 }, marks: {}, ignored: false };
    const counts = { wantedReplicas: 4, readyReplicas: 4, autoscalers: [] };
    const state = { ref: refOf(policy), ...counts, self: { ...self, kind: 'workload' }, ...more };
    return planPreScale({
      request: { workload, event, target, requestedBy: 'kim' },
      policy,
      survey: { kind: 'found', state: state as never },
      nowMs,
    });
  }

  /** The plan of an emergency, which says on what terms it would act. */
  emergency(): unknown {
    const workload = 'tensafe-server';
    const resolved = resolveEmergency(this.policy, workload) as ResolvedEmergency;
    const self = { namespace: 'tensafe', name: workload, uid: 'u', fields: { floor: 4 }, marks: {}, ignored: false };
    const counts = { wantedReplicas: 4, readyReplicas: 4, autoscalers: [] };
    const state = { ref: refOf(resolved.policy), ...counts, self: { ...self, kind: 'workload' } };
    return planEmergency({
      request: { workload, requestedBy: 'kim' },
      resolved,
      survey: { kind: 'found', state: state as never },
      event: { name: 'slow', startMs: nowMs, endMs: nowMs + resolved.emergency.maxHoldMs },
    });
  }

  /** What a change of its autoscaler would do to one of either kind, as it is in use and as it would be. */
  configuration(what: 'policy' | 'calm' = 'policy'): unknown {
    const workload = 'tensafe-server';
    const { policy, autoscaler } = resolveAutoscaler(this.policy, workload) as ResolvedAutoscaler;
    const { hpa, keda } = AS_SHIPPED.autoscaler[workload] ?? {};
    const triggers = Object.entries(keda?.triggers ?? {}).map(([name, { query }]) => ({ name, metadata: { query } }));
    const plan = (kind: 'horizontalPodAutoscaler' | 'scaledObject', described: AutoscalerPolicy | undefined) => {
      const [name, spec] = kind === 'scaledObject' ? [keda?.object, { triggers }] : [hpa?.object, {}];
      const self = { namespace: 'tensafe', name, uid: kind, fields: {}, marks: {}, ignored: false, kind };
      const state = { ref: refOf(policy), wantedReplicas: 4, autoscalers: [self], self: { ...self, kind: 'workload' } };
      return planConfiguration({
        request: { workload, what, requestedBy: 'kim' },
        resolved: { policy, ...(described !== undefined && { autoscaler: described }) },
        facts: { state, autoscalers: [{ ...self, spec, conditions: [] }] } as never,
        untilMs: null,
      });
    };
    return (['horizontalPodAutoscaler', 'scaledObject'] as const).map((kind) => [
      plan(kind, autoscaler),
      ...(['hpa', 'keda'] as const).map((use) => plan(kind, autoscaler && { ...autoscaler, use })),
    ]);
  }

  /** What is said of the removal of a node, of a node whose type nobody knows, and of one of Karpenter's. */
  drain(): unknown {
    const [policy, request] = [resolveDrain(this.policy), { requestedBy: 'kim', remove: true }];
    const group = aGroup({ capacityType: 'CAPACITY_BLOCK' });
    const unknown = aGpuNode({
      labels: { 'node.kubernetes.io/instance-type': 'p3.2xlarge' },
      allocatable: {},
    });
    const karpenters = aGpuNode({ labels: { 'karpenter.sh/nodepool': 'gpu' } });
    return [
      planDrain({ request: { ...request, nodes: ['n1'] }, policy, survey: aSurvey({ groups: [group] }), nowMs }),
      planDrain({ request: { ...request, nodes: ['n1'] }, policy, survey: aSurvey({ nodes: [unknown] }), nowMs }),
      planDrain({
        request: { nodes: ['n1'], requestedBy: 'kim' },
        policy,
        survey: aSurvey({ nodes: [karpenters] }),
        nowMs,
      }),
    ];
  }

  /** What is said of two more nodes, and what the run goes by. */
  addition(): unknown {
    const policy = resolveAddition(this.policy, ['gpu-workers']);
    const request = { group: 'gpu-workers', count: 2, requestedBy: 'kim' };
    const surveys = { 'gpu-workers': aGroupSurvey() };
    return [policy.terms, planAddition({ request, policy, surveys })];
  }

  /** What Prometheus is asked of the GPUs. */
  async gpus(): Promise<unknown> {
    const { utilisation, unread } = (await this.act(() => this.activities.readGpus())) as GpuFacts;
    return [this.metrics.calls.map(({ query }) => query), utilisation, unread];
  }

  /** What a run of steps goes by, as it is written into its history. */
  async steps(): Promise<unknown> {
    const { steps, minCooldownMs, maxHoldMs } = resolveSteps(this.policy, 'tensafe-server') as ResolvedSteps;
    return { steps, minCooldownMs, maxHoldMs };
  }

  /** Busy by the CPU, with a fast answer: what the matrix makes of it. */
  async evidence(): Promise<unknown> {
    const resolved = resolveEmergency(this.policy, 'tensafe-server') as ResolvedEmergency;
    const values: Readonly<Record<string, number>> = { cpu: 90, memory: 10, 'p95-latency': 20, 'queue-depth': 300 };
    for (const { name, query } of resolved.policy.workload.load) this.metrics.say(query, values[name] ?? 0);
    return this.act(() => this.activities.readEvidence(resolved));
  }

  /** Queue depth just under its threshold, CPU only so at the baseline count, the rest at nothing. */
  async quiet(): Promise<unknown> {
    const policy = this.resolved();
    const { load, dataHealthy = '' } = policy.workload;
    for (const { query } of load) this.metrics.say(query, 0);
    for (const { name, query } of load)
      if (name === 'queue-depth' && query !== 'sum(another)') this.metrics.say(query, 9.5);
    for (const { name, query } of load) if (name === 'cpu') this.metrics.say(query, 20);
    if (dataHealthy !== 'min(another)') this.metrics.say(dataHealthy, 1);
    const sinceMs = Date.now() - 14.5 * 60_000;
    const answer = await this.act(() => this.activities.awaitQuiet({ policy, sinceMs, baselinePods: 2 }));
    const asked = this.metrics.calls.map(({ query, window }) => [
      query,
      window.stepMs,
      Math.round((window.endMs - window.startMs) / 60_000),
    ]);
    return { answer: answer ?? 'quiet', asked };
  }

  async hold(floor: number, then: readonly number[] = []): Promise<unknown> {
    const claims = (floors: readonly number[]) => floors.map((one) => ({ id: 'a/b', floor: one, reason: '' }));
    const apply = (generation: number, floors: readonly number[]) =>
      this.act(() =>
        this.activities.applyHold({
          workload: 'tensafe-server',
          claims: claims(floors),
          generation,
          skipSteps: false,
          ...CALM,
        }),
      );
    return [await apply(1, [floor]), withoutTimes(await apply(2, then))];
  }

  /** Until the run is seen to be gone, which it is after the first sleep. */
  async guard(): Promise<unknown> {
    const claims = [{ id: 'a/b', floor: 6, reason: '' }];
    const request = { workload: 'tensafe-server', claims, generation: 1, skipSteps: false, ...CALM };
    const report = await this.act(() => this.activities.applyHold(request));
    const { standing } = report as { readonly standing: HoldStanding };
    return this.act(() => this.activities.guardHold({ ...request, fresh: false, stands: standingKey(standing) }));
  }

  /** What becomes of a floor that a person lowered under a claim. */
  async lowered(): Promise<unknown> {
    const claims = [{ id: 'a/b', floor: 6, reason: '' }];
    const request = { workload: 'tensafe-server', claims, generation: 1, skipSteps: false, ...CALM };
    await this.act(() => this.activities.applyHold(request));
    const self = { kind: 'workload', namespace: 'tensafe', name: 'tensafe-server' } as const;
    this.cluster.setField(self, 'floor', 5, 'kubectl-edit');
    return this.act(() => this.activities.applyHold({ ...request, generation: 2, fresh: false }));
  }
}

/** A StatefulSet with all that policy has to allow. */
const DATABASE: Pick<WorkloadState, 'stateful'> = {
  stateful: {
    images: ['redis:7'],
    labels: {},
    ordered: true,
    whenScaled: 'Delete',
    claims: ['data'],
    firstOrdinal: 0,
  },
};

/** The time of day is not the policy's: what is said of the future is said from now. */
function withoutTimes(value: unknown): unknown {
  const { nextCheckAtMs } = (value as { readonly standing?: { readonly nextCheckAtMs?: number } }).standing ?? {};
  if (nextCheckAtMs === undefined) return value;
  return {
    ...(value as object),
    standing: Math.round((nextCheckAtMs - Date.now()) / 1_000),
    floor: (value as { readonly standing: { readonly floor: number } }).standing.floor,
  };
}

interface Reading {
  readonly see: (world: World) => unknown;
}

/** Where each value is seen. */
const READINGS: Readonly<Record<string, Reading>> = {
  'cluster.name': { see: (world) => world.plan() },
  'cluster.eks.name': { see: (world) => eksClusterOf(world.policy) },
  'cluster.eks.region': { see: (world) => eksClusterOf(world.policy) },
  'prometheus.url': { see: (world) => askPrometheus(world) },
  'workloads.*.namespace': {
    see: (world) => refOf(world.resolved()),
  },
  'workloads.*.kind': { see: (world) => refOf(world.resolved()) },
  'workloads.*.object': {
    see: (world) => refOf(world.resolved()),
  },
  'workloads.*.limits.min': { see: (world) => world.plan() },
  'workloads.*.limits.max': { see: async (world) => [world.plan(), await world.hold(100)] },
  'workloads.*.jobs': { see: (world) => world.plan() },
  'workloads.*.refuse': { see: (world) => world.plan({ kind: 'replicas', replicas: 2 }, 'tensafe-training-worker') },
  'workloads.*.stateful.allowDatabase': { see: (world) => world.plan(undefined, undefined, DATABASE) },
  'workloads.*.stateful.allowVolumeDeletion': { see: (world) => world.plan(undefined, undefined, DATABASE) },
  'workloads.*.load.*.query': { see: (world) => world.quiet() },
  'workloads.*.load.*.unit': {
    see: (world) => loud(world),
  },
  'workloads.*.load.*.scaleUpAbove': { see: (world) => returned(world) },
  'workloads.*.load.*.scaleDownBelow': { see: (world) => world.quiet() },
  'workloads.*.load.*.perPod': { see: (world) => loud(world) },
  'workloads.*.dataHealthy': { see: (world) => world.quiet() },
  'workloads.*.pricePerPodHour': { see: (world) => world.plan() },
  'workloads.*.dashboards.*.title': { see: (world) => world.plan() },
  'workloads.*.dashboards.*.url': { see: (world) => world.plan() },
  'preScale.lead': { see: (world) => world.plan() },
  'preScale.availableWithin': { see: (world) => world.plan() },
  'preScale.quiet.window': { see: async (world) => [world.plan(), await world.quiet()] },
  'preScale.quiet.askAfter': { see: (world) => world.plan() },
  'preScale.quiet.every': { see: (world) => world.quiet() },
  'preScale.quiet.step': { see: (world) => world.quiet() },
  'windDown.percent': { see: (world) => world.hold(30) },
  'windDown.every': { see: (world) => world.hold(30) },
  'ledger.ownerCheckEvery': {
    see: async (world) => {
      await world.guard();
      return world.run.slept;
    },
  },
  'ledger.guardEvery': {
    see: async (world) => {
      await world.guard();
      return world.run.slept;
    },
  },
  'ledger.whenPersonLowers': { see: (world) => world.lowered() },
  'ledger.continueAsNewAfterEvents': { see: (world) => world.hold(6) },
  'ledger.continueAsNewAfterUpdates': { see: (world) => world.hold(6) },
  'approval.preScale': { see: (world) => world.plan() },
  'approval.expiresAfter': { see: (world) => world.plan() },
  'emergencyScaleUp.factor': { see: (world) => world.emergency() },
  'emergencyScaleUp.mode': { see: (world) => world.emergency() },
  'emergencyScaleUp.withoutEvidence': { see: (world) => world.emergency() },
  'emergencyScaleUp.askFor': { see: (world) => world.emergency() },
  'emergencyScaleUp.unanswered': { see: (world) => world.emergency() },
  'emergencyScaleUp.rolloutYoungerThan': { see: (world) => world.emergency() },
  'emergencyScaleUp.maxDoublings': { see: (world) => world.emergency() },
  'emergencyScaleUp.fromZero': { see: (world) => world.emergency() },
  'emergencyScaleUp.maxHold': { see: (world) => world.emergency() },
  'emergencyScaleUp.remindEvery': { see: (world) => world.emergency() },
  'emergencyScaleUp.holdDown': { see: (world) => world.emergency() },
  'emergencyScaleUp.cooldown': { see: (world) => world.emergency() },
  'emergencyScaleUp.budget.perHour': { see: (world) => world.emergency() },
  'emergencyScaleUp.budget.perDay': { see: (world) => world.emergency() },
  'decisionMatrix.workload': { see: (world) => world.evidence() },
  'decisionMatrix.loadMetric': { see: (world) => world.evidence() },
  'decisionMatrix.latencyMetric': { see: (world) => world.evidence() },
  'decisionMatrix.rows.*.load.from': { see: (world) => world.evidence() },
  'decisionMatrix.rows.*.load.to': { see: (world) => world.evidence() },
  'decisionMatrix.rows.*.latency.from': { see: (world) => world.evidence() },
  'decisionMatrix.rows.*.latency.to': { see: (world) => world.evidence() },
  'decisionMatrix.rows.*.action': { see: (world) => world.evidence() },
  'approval.emergencyScaleUp': { see: (world) => world.emergency() },
  'triggers.*.workload': { see: (world) => world.steps() },
  'triggers.*.pods': { see: (world) => world.steps() },
  'triggers.*.cooldown': { see: (world) => world.steps() },
  'stepScale.minCooldown': { see: (world) => world.steps() },
  'stepScale.maxHold': { see: (world) => world.steps() },
  'gpu.utilisation': { see: (world) => world.gpus() },
  'prices.currency': { see: (world) => world.plan() },
  'alertRules.*.procedure': { see: (world) => world.route('Another') },
  'alertRules.*.workload': { see: (world) => world.route('TensafeErrorSpike') },
  'alertRules.*.trigger': { see: (world) => world.steps() },
  'alertRules.*.match.*': { see: (world) => world.route('TensafeHighCpu') },
  ...Object.fromEntries(
    ADDITION_VALUES_READ_NOW.map(({ path }) => [path, { see: (world: World) => world.addition() }]),
  ),
  ...Object.fromEntries(DRAIN_VALUES_READ_NOW.map(({ path }) => [path, { see: (world: World) => world.drain() }])),
  ...Object.fromEntries(
    Object.keys(POLICY_CHANGES)
      .filter((path) => path.startsWith('autoscaler.'))
      .map((path) => [
        path,
        { see: (world: World) => world.configuration(path.endsWith('.thrashingStabilisation') ? 'calm' : 'policy') },
      ]),
  ),
};

/** Nobody answers within a millisecond; the failure names who was asked. */
async function askPrometheus(world: World): Promise<unknown> {
  const window = { startMs: 0, endMs: 1, stepMs: 1 };
  const call = { signal: new AbortController().signal, caller: 'policy-used' };
  const { url } = world.policy.prometheus;
  return world.act(() => createMetricsPort({ url, deadlineMs: 1 }).range('up', window, call));
}

/** Load that is over the thresholds at the baseline count, so that the reasons name it. */
async function loud(world: World): Promise<unknown> {
  const policy = world.resolved();
  for (const { name, query } of policy.workload.load) world.metrics.say(query, name === 'cpu' ? 25 : 60);
  world.metrics.say(policy.workload.dataHealthy ?? '', 1);
  return world.act(() => world.activities.awaitQuiet({ policy, sinceMs: Date.now() - hour, baselinePods: 2 }));
}

/** Load that came back, so that its reasons name what it is over. */
async function returned(world: World): Promise<unknown> {
  const policy = world.resolved();
  for (const { name, query } of policy.workload.load) world.metrics.say(query, name === 'queue-depth' ? 60 : 0);
  return world.act(() => world.activities.awaitRegression({ policy, sinceMs: Date.now() - hour, baselinePods: 2 }));
}

function policyWith(...overlays: readonly string[]): Policy {
  const reading = readPolicy([shipped, ...overlays.map((text) => ({ name: 'overlay.yaml', text }))]);
  return reading.kind === 'policy' ? reading.policy : assert.fail(JSON.stringify(reading.faults));
}

const AS_SHIPPED = policyWith();

describe('changing a value of the policy', () => {
  // what is seen may name the time: a difference must be the policy's
  before(() => mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-11-27T09:00:00Z') }));
  after(() => mock.timers.reset());

  it('is looked at for each value that is said to be read now', () => {
    const paths = VALUES_READ_NOW.map(({ path }) => path).toSorted();
    assert.deepEqual(Object.keys(READINGS).toSorted(), paths);
    assert.deepEqual(Object.keys(POLICY_CHANGES).toSorted(), paths);
  });

  for (const [path, { see }] of Object.entries(READINGS)) {
    it(`is seen for ${path}`, async () => {
      const before = await see(new World(AS_SHIPPED));
      const after = await see(new World(policyWith(POLICY_CHANGES[path] ?? '')));
      assert.notEqual(canonicalJson(after), canonicalJson(before));
    });
  }

  it('shows nothing when nothing was changed, so that a difference is the policy’s', async () => {
    const again = policyWith();
    for (const [path, { see }] of Object.entries(READINGS)) {
      const [one, two] = [await see(new World(AS_SHIPPED)), await see(new World(again))];
      assert.equal(canonicalJson(one), canonicalJson(two), path);
    }
  });
});
