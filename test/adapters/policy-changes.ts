/**
 * For each value that is read now (VALUES_READ_NOW): an overlay over the TenSafe example that changes it and nothing else.
 * Tests walk them to see that each change is seen where the value is read.
 */
export const POLICY_CHANGES: Readonly<Record<string, string>> = {
  'cluster.name': 'cluster: { name: another }',
  'cluster.eks.name': 'cluster: { eks: { name: another } }',
  'cluster.eks.region': 'cluster: { eks: { region: eu-west-1 } }',
  'prometheus.url': 'prometheus: { url: http://127.0.0.1:9999 }',
  'workloads.*.namespace': 'workloads: { tensafe-server: { namespace: another } }',
  'workloads.*.kind': 'workloads: { tensafe-server: { kind: StatefulSet } }',
  'workloads.*.object': 'workloads: { tensafe-server: { object: another } }',
  'workloads.*.limits.min': 'workloads: { tensafe-server: { limits: { min: 2 } } }',
  'workloads.*.limits.max': 'workloads: { tensafe-server: { limits: { max: 60 } } }',
  'workloads.*.jobs': 'workloads: { tensafe-server: { jobs: true } }',
  // what must not be scaled has no autoscaler, trigger or alert, so this one is said of a workload that has none
  'workloads.*.refuse': 'workloads: { tensafe-training-worker: { refuse: it is being moved } }',
  'workloads.*.stateful.allowDatabase': 'workloads: { tensafe-server: { stateful: { allowDatabase: true } } }',
  'workloads.*.stateful.allowVolumeDeletion':
    'workloads: { tensafe-server: { stateful: { allowVolumeDeletion: true } } }',
  'workloads.*.load.*.query': 'workloads: { tensafe-server: { load: { queue-depth: { query: sum(another) } } } }',
  'workloads.*.load.*.unit': 'workloads: { tensafe-server: { load: { queue-depth: { unit: jobs } } } }',
  'workloads.*.load.*.scaleUpAbove': 'workloads: { tensafe-server: { load: { queue-depth: { scaleUpAbove: 65 } } } }',
  'workloads.*.load.*.scaleDownBelow':
    'workloads: { tensafe-server: { load: { queue-depth: { scaleDownBelow: 9 } } } }',
  'workloads.*.load.*.perPod': 'workloads: { tensafe-server: { load: { cpu: { perPod: false } } } }',
  'workloads.*.dataHealthy': 'workloads: { tensafe-server: { dataHealthy: min(another) } }',
  'workloads.*.pricePerPodHour': 'workloads: { tensafe-server: { pricePerPodHour: 0.4 } }',
  'workloads.*.dashboards.*.title':
    'workloads: { tensafe-server: { dashboards: [{ title: Another, url: https://grafana.example.com/d/tensafe }] } }',
  'workloads.*.dashboards.*.url':
    'workloads: { tensafe-server: { dashboards: [{ title: TenSafe overview, url: https://grafana.example.com/d/another }] } }',
  'preScale.lead': 'preScale: { lead: 10m }',
  'preScale.availableWithin': 'preScale: { availableWithin: 6m }',
  'preScale.quiet.window': 'preScale: { quiet: { window: 14m } }',
  'preScale.quiet.askAfter': 'preScale: { quiet: { askAfter: 40m } }',
  'preScale.quiet.every': 'preScale: { quiet: { every: 20s } }',
  'preScale.quiet.step': 'preScale: { quiet: { step: 20s } }',
  'windDown.percent': 'windDown: { percent: 50 }',
  'windDown.every': 'windDown: { every: 4m }',
  'ledger.ownerCheckEvery': 'ledger: { ownerCheckEvery: 10s }',
  'ledger.guardEvery': 'ledger: { guardEvery: 4s }',
  'ledger.whenPersonLowers': 'ledger: { whenPersonLowers: reapply }',
  'ledger.continueAsNewAfterEvents': 'ledger: { continueAsNewAfterEvents: 900 }',
  'ledger.continueAsNewAfterUpdates': 'ledger: { continueAsNewAfterUpdates: 1400 }',
  'approval.preScale': 'approval: { preScale: always }',
  'approval.expiresAfter': 'approval: { expiresAfter: 2h }',
  'emergencyScaleUp.factor': 'emergencyScaleUp: { factor: 3 }',
  'emergencyScaleUp.mode': 'emergencyScaleUp: { mode: pause }',
  'emergencyScaleUp.withoutEvidence': 'emergencyScaleUp: { withoutEvidence: ask }',
  'emergencyScaleUp.askFor': 'emergencyScaleUp: { askFor: 11m }',
  'emergencyScaleUp.unanswered': 'emergencyScaleUp: { unanswered: stop }',
  'emergencyScaleUp.rolloutYoungerThan': 'emergencyScaleUp: { rolloutYoungerThan: 20m }',
  'emergencyScaleUp.maxDoublings': 'emergencyScaleUp: { maxDoublings: 2 }',
  'emergencyScaleUp.fromZero': 'emergencyScaleUp: { fromZero: true }',
  'emergencyScaleUp.maxHold': 'emergencyScaleUp: { maxHold: 5h }',
  'emergencyScaleUp.remindEvery': 'emergencyScaleUp: { remindEvery: 2h }',
  'emergencyScaleUp.holdDown': 'emergencyScaleUp: { holdDown: 1m }',
  'emergencyScaleUp.cooldown': 'emergencyScaleUp: { cooldown: 20m }',
  'emergencyScaleUp.budget.perHour': 'emergencyScaleUp: { budget: { perHour: 4 } }',
  'emergencyScaleUp.budget.perDay': 'emergencyScaleUp: { budget: { perDay: 8 } }',
  'decisionMatrix.workload':
    'decisionMatrix: { workload: tensafe-training-worker, loadMetric: he-lora-queue, latencyMetric: he-lora-queue }',
  'decisionMatrix.loadMetric': 'decisionMatrix: { loadMetric: memory }',
  'decisionMatrix.latencyMetric': 'decisionMatrix: { latencyMetric: queue-depth }',
  'decisionMatrix.rows.*.load.from':
    'decisionMatrix: { rows: [{ load: { from: 91 }, action: scaleUp, source: added }, { action: none, source: added }] }',
  'decisionMatrix.rows.*.load.to':
    'decisionMatrix: { rows: [{ load: { to: 95 }, action: none, source: added }, { action: scaleUp, source: added }] }',
  'decisionMatrix.rows.*.latency.from':
    'decisionMatrix: { rows: [{ latency: { from: 10 }, action: emergencyScaleUp, source: added }, { action: none, source: added }] }',
  'decisionMatrix.rows.*.latency.to':
    'decisionMatrix: { rows: [{ latency: { to: 30 }, action: none, source: added }, { action: scaleUp, source: added }] }',
  'decisionMatrix.rows.*.action': 'decisionMatrix: { rows: [{ action: none, source: added }] }',
  'approval.emergencyScaleUp': 'approval: { emergencyScaleUp: always }',
  'triggers.*.workload': 'triggers: { high-cpu: { workload: tensafe-training-worker, metric: he-lora-queue } }',
  'triggers.*.pods': 'triggers: { high-cpu: { pods: 3 } }',
  'triggers.*.cooldown': 'triggers: { high-cpu: { cooldown: 6m } }',
  'stepScale.minCooldown': 'stepScale: { minCooldown: 7m }',
  'stepScale.maxHold': 'stepScale: { maxHold: 2h }',
  'autoscaler.*.use': 'autoscaler: { tensafe-server: { use: hpa } }',
  'autoscaler.*.hpa.object': 'autoscaler: { tensafe-server: { hpa: { object: another } } }',
  'autoscaler.*.hpa.limits.min': 'autoscaler: { tensafe-server: { hpa: { limits: { min: 4 } } } }',
  'autoscaler.*.hpa.limits.max': 'autoscaler: { tensafe-server: { hpa: { limits: { max: 21 } } } }',
  'autoscaler.*.hpa.cpuUtilisation': 'autoscaler: { tensafe-server: { hpa: { cpuUtilisation: 71 } } }',
  'autoscaler.*.hpa.memoryUtilisation': 'autoscaler: { tensafe-server: { hpa: { memoryUtilisation: 81 } } }',
  'autoscaler.*.hpa.scaleDown.stabilisation':
    'autoscaler: { tensafe-server: { hpa: { scaleDown: { stabilisation: 90s } } } }',
  'autoscaler.*.hpa.scaleDown.select': 'autoscaler: { tensafe-server: { hpa: { scaleDown: { select: Min } } } }',
  'autoscaler.*.hpa.scaleDown.policies.*.type':
    'autoscaler: { tensafe-server: { hpa: { scaleDown: { policies: [{ type: Pods, value: 10, period: 60s }] } } } }',
  'autoscaler.*.hpa.scaleDown.policies.*.value':
    'autoscaler: { tensafe-server: { hpa: { scaleDown: { policies: [{ type: Percent, value: 11, period: 60s }] } } } }',
  'autoscaler.*.hpa.scaleDown.policies.*.period':
    'autoscaler: { tensafe-server: { hpa: { scaleDown: { policies: [{ type: Percent, value: 10, period: 61s }] } } } }',
  'autoscaler.*.hpa.scaleUp.stabilisation':
    'autoscaler: { tensafe-server: { hpa: { scaleUp: { stabilisation: 90s } } } }',
  'autoscaler.*.hpa.scaleUp.select': 'autoscaler: { tensafe-server: { hpa: { scaleUp: { select: Min } } } }',
  'autoscaler.*.hpa.scaleUp.policies.*.type':
    'autoscaler: { tensafe-server: { hpa: { scaleUp: { policies: [{ type: Pods, value: 10, period: 60s }] } } } }',
  'autoscaler.*.hpa.scaleUp.policies.*.value':
    'autoscaler: { tensafe-server: { hpa: { scaleUp: { policies: [{ type: Percent, value: 11, period: 60s }] } } } }',
  'autoscaler.*.hpa.scaleUp.policies.*.period':
    'autoscaler: { tensafe-server: { hpa: { scaleUp: { policies: [{ type: Percent, value: 10, period: 61s }] } } } }',
  'autoscaler.*.keda.object': 'autoscaler: { tensafe-server: { keda: { object: another } } }',
  'autoscaler.*.keda.limits.min': 'autoscaler: { tensafe-server: { keda: { limits: { min: 4 } } } }',
  'autoscaler.*.keda.limits.max': 'autoscaler: { tensafe-server: { keda: { limits: { max: 49 } } } }',
  'autoscaler.*.keda.polling': 'autoscaler: { tensafe-server: { keda: { polling: 16s } } }',
  'autoscaler.*.keda.cooldown': 'autoscaler: { tensafe-server: { keda: { cooldown: 61s } } }',
  'autoscaler.*.keda.triggers.*.query':
    'autoscaler: { tensafe-server: { keda: { triggers: { queue-depth: { query: sum(another) } } } } }',
  'autoscaler.*.keda.triggers.*.threshold':
    'autoscaler: { tensafe-server: { keda: { triggers: { queue-depth: { threshold: 51 } } } } }',
  'autoscaler.*.keda.triggers.*.metricType':
    'autoscaler: { tensafe-server: { keda: { triggers: { queue-depth: { metricType: Value } } } } }',
  'autoscaler.*.keda.scaleDown.stabilisation':
    'autoscaler: { tensafe-server: { keda: { scaleDown: { stabilisation: 90s } } } }',
  'autoscaler.*.keda.scaleDown.select': 'autoscaler: { tensafe-server: { keda: { scaleDown: { select: Min } } } }',
  'autoscaler.*.keda.scaleDown.policies.*.type':
    'autoscaler: { tensafe-server: { keda: { scaleDown: { policies: [{ type: Pods, value: 10, period: 60s }] } } } }',
  'autoscaler.*.keda.scaleDown.policies.*.value':
    'autoscaler: { tensafe-server: { keda: { scaleDown: { policies: [{ type: Percent, value: 11, period: 60s }] } } } }',
  'autoscaler.*.keda.scaleDown.policies.*.period':
    'autoscaler: { tensafe-server: { keda: { scaleDown: { policies: [{ type: Percent, value: 10, period: 61s }] } } } }',
  'autoscaler.*.keda.scaleUp.stabilisation':
    'autoscaler: { tensafe-server: { keda: { scaleUp: { stabilisation: 90s } } } }',
  'autoscaler.*.keda.scaleUp.select': 'autoscaler: { tensafe-server: { keda: { scaleUp: { select: Min } } } }',
  'autoscaler.*.keda.scaleUp.policies.*.type':
    'autoscaler: { tensafe-server: { keda: { scaleUp: { policies: [{ type: Pods, value: 10, period: 60s }] } } } }',
  'autoscaler.*.keda.scaleUp.policies.*.value':
    'autoscaler: { tensafe-server: { keda: { scaleUp: { policies: [{ type: Percent, value: 11, period: 60s }] } } } }',
  'autoscaler.*.keda.scaleUp.policies.*.period':
    'autoscaler: { tensafe-server: { keda: { scaleUp: { policies: [{ type: Percent, value: 10, period: 61s }] } } } }',
  'autoscaler.*.thrashingStabilisation': 'autoscaler: { tensafe-server: { thrashingStabilisation: 700s } }',
  'gpu.utilisation': 'gpu: { utilisation: avg by (Hostname) (another) }',
  'prices.currency': 'prices: { currency: EUR }',
  'alertRules.*.procedure': 'alertRules: { Another: { procedure: emergencyScaleUp, workload: tensafe-server } }',
  'alertRules.*.workload': 'alertRules: { TensafeErrorSpike: { workload: tensafe-training-worker } }',
  'alertRules.*.trigger': 'alertRules: { TensafeHighCpu: { trigger: high-memory } }',
  'alertRules.*.match.*': 'alertRules: { TensafeHighCpu: { match: { severity: critical } } }',
  'drain.protectYoungGpuJobs': 'drain: { protectYoungGpuJobs: 11m }',
  'drain.waitForJobs': 'drain: { waitForJobs: 5h }',
  'drain.jobsLeft': 'drain: { jobsLeft: stop }',
  'drain.checkpointWithin': 'drain: { checkpointWithin: 16m }',
  'drain.checkEvery': 'drain: { checkEvery: 16s }',
  'drain.evictionDeadline': 'drain: { evictionDeadline: 2h }',
  'drain.goneWithin': 'drain: { goneWithin: 16m }',
  'drain.cordonFor': 'drain: { cordonFor: 5h }',
  'drain.allowLocalData': 'drain: { allowLocalData: true }',
  'drain.allowBarePods': 'drain: { allowBarePods: true }',
  'drain.allowUnplacedGpuPods': 'drain: { allowUnplacedGpuPods: true }',
  'drain.karpenter': 'drain: { karpenter: empty }',
  'drain.oneByOne': 'drain: { oneByOne: true }',
  'drain.surgeSingleReplicas': 'drain: { surgeSingleReplicas: false }',
  'approval.drainGpuNode': 'approval: { drainGpuNode: never }',
  'addGpuNodes.maxPerRun': 'addGpuNodes: { maxPerRun: 1 }',
  'addGpuNodes.usableWithin': 'addGpuNodes: { usableWithin: 21m }',
  'addGpuNodes.every': 'addGpuNodes: { every: 6s }',
  'addGpuNodes.whenUnmet': 'addGpuNodes: { whenUnmet: wait }',
  'addGpuNodes.askFor': 'addGpuNodes: { askFor: 16m }',
  'addGpuNodes.holdMinimumFor': 'addGpuNodes: { holdMinimumFor: 31m }',
  'approval.addGpuNodes': 'approval: { addGpuNodes: never }',
  'nodeGroups.*.limits.max': 'nodeGroups: { gpu-workers: { limits: { max: 4 } } }',
  'nodeGroups.*.instanceTypes.*': 'nodeGroups: { gpu-workers: { instanceTypes: [g5-xlarge] } }',
  'gpuInstanceTypes.*.gpus': 'gpuInstanceTypes: { p5-48xlarge: { gpus: 4 } }',
  'gpuInstanceTypes.*.gpu': 'gpuInstanceTypes: { p5-48xlarge: { gpu: H200 } }',
  'nodeGroups.*.limits.min': 'nodeGroups: { gpu-workers: { limits: { min: 4 } } }',
  'nodeGroups.*.capacityBlockEnds': 'nodeGroups: { gpu-workers: { capacityBlockEnds: 2026-11-27T10:00:00Z } }',
  'gpuInstanceTypes.*.instanceType':
    'gpuInstanceTypes: { p3-2xlarge: { instanceType: p3.2xlarge, gpus: 1, gpu: V100, memoryGb: 61, vcpus: 8, useCase: Tests } }',
  'prices.perNodeHour.*': 'prices: { perNodeHour: { p4d-24xlarge: 30 } }',
  ...Object.fromEntries(
    ['starts', 'ends', 'reason', 'workloads.*'].map((name) => [
      `closedWindows.*.${name}`,
      `closedWindows: { sale: { starts: 2026-11-27T05:00:00Z, ends: 2026-11-27T07:00:00Z, reason: sale${name === 'workloads.*' ? ', workloads: [tensafe-server]' : ''} } }`,
    ]),
  ),
};
