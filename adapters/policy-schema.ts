import { z } from 'zod';
import { MATRIX_ACTIONS } from '../domain/policy.ts';
import { Addition, ADDITION_VALUES_READ_NOW } from './policy-addition-schema.ts';
import { Drain, DRAIN_VALUES_READ_NOW } from './policy-drain-schema.ts';
import {
  address,
  amount,
  byName,
  count,
  duration,
  flag,
  leaf,
  limits,
  matching,
  moment,
  NAMESPACE_PATTERN,
  OBJECT_NAME_PATTERN,
  oneOf,
  promql,
  range,
  reference,
  text,
} from './policy-leaves.ts';

/**
 * The shape of headroom.yaml. Each leaf says what it is for and what it accepts, so that faults, editors (JSON Schema)
 * and people read the same words. What no code reads yet carries the name of the procedure that will.
 */

/** `2000m`, `4`, `0.5` */
const CPU_PATTERN = '^(?:\\d+m|\\d+(?:\\.\\d+)?)$';
/** `8Gi`, `512Mi`, `1.5G` */
const MEMORY_PATTERN = '^\\d+(?:\\.\\d+)?(?:Ki|Mi|Gi|Ti|k|M|G|T)?$';
const Workload = z.strictObject({
  namespace: matching(
    NAMESPACE_PATTERN,
    'a namespace name: lower-case letters, digits and -',
    'Namespace of the object.',
  ),
  kind: oneOf(['Deployment', 'StatefulSet'], 'Kind of the object.'),
  object: matching(
    OBJECT_NAME_PATTERN,
    'an object name: lower-case letters, digits, - and .',
    "metadata.name; absent: the workload's name.",
  ).exactOptional(),
  limits: limits('pods that any claim may ask for'),
  jobs: flag(
    'Its pods run jobs that a scale-in would kill: never lowered without an idle check, and not pre-scaled.',
  ).prefault(false),
  refuse: text(
    'Set on what must not be scaled by its replica count (databases): the reason, shown to whoever tries.',
  ).exactOptional(),
  stateful: z
    .strictObject({
      allowDatabase: flag('A StatefulSet that looks like a database (its images, its labels) may be scaled.').prefault(
        false,
      ),
      allowVolumeDeletion: flag(
        'A StatefulSet may be scaled that deletes volumes on the way back (whenScaled: Delete).',
      ).prefault(false),
    })
    .exactOptional(),
  container: matching(
    NAMESPACE_PATTERN,
    'a container name',
    'The container that a resize changes; absent: the only one.',
  )
    .meta({ readLaterBy: 'resizeWorkload' })
    .exactOptional(),
  load: byName(
    z.strictObject({
      query: promql('One series, in `unit`. An empty answer or NaN is no data, and no data is never quiet.'),
      unit: text('For people: %, ms, requests.'),
      scaleUpAbove: amount('Above this for two samples during the wind-down, the capacity is claimed again.'),
      scaleDownBelow: amount('Quiet means below this for the whole window; under `scaleUpAbove`.'),
      perPod: flag(
        'The value falls as pods are added (CPU): judged as it would be at the baseline count, value × pods ÷ baseline.',
      ).prefault(false),
    }),
    'What load is, by metric. Quiet = all of them are low.',
  ).prefault({}),
  dataHealthy: promql(
    '1 at each step while the series behind the load queries are complete: a sum over half of the targets looks like low load.',
  ).exactOptional(),
  pricePerPodHour: amount(
    'What one pod costs for an hour, in `prices.currency`; for the cost in plans.',
  ).exactOptional(),
  dashboards: z
    .array(z.strictObject({ title: text('Shown as the link.'), url: address('Where it leads.') }))
    .meta({ description: 'Links on the page of each run.' })
    .prefault([]),
});

const PreScale = z.strictObject({
  lead: duration('Capacity is asked for this long before the event starts.', { orZero: true }).prefault('30m'),
  availableWithin: duration('What is not available after this long is diagnosed, and the run ends as short.').prefault(
    '5m',
  ),
  quiet: z
    .strictObject({
      window: duration(
        'All load metrics stay low for this long, beginning at the end of the event at the earliest.',
      ).prefault('15m'),
      askAfter: duration('A person is asked when it is not quiet this long after the end; at least `window`.').prefault(
        '30m',
      ),
      every: duration('How often it is judged; at most `window`.').prefault('30s'),
      step: duration('Sample spacing of the range query; at most `window`.').prefault('30s'),
    })
    .prefault({}),
});

const WindDown = z.strictObject({
  percent: count('Largest step down, in percent of the floor at release (rounded down, at least one pod).', {
    min: 1,
    max: 100,
  }).prefault(20),
  every: duration('Time between two steps down.').prefault('5m'),
});

const Ledger = z.strictObject({
  ownerCheckEvery: duration('How often it is checked that each owner of a claim still runs.').prefault('15s'),
  guardEvery: duration(
    'How often a held governor is looked at: who changed it, who replaced it, and whether it acts.',
  ).prefault('5s'),
  whenPersonLowers: oneOf(
    ['leave', 'reapply'],
    'What happens when a person lowers a floor that is held: `leave` it and tell the runs, or `reapply` it (at most 3 times in 10 minutes).',
  ).prefault('leave'),
  continueAsNewAfterEvents: count('History length at which a ledger goes on as a new run.', {
    min: 100,
    max: 10_000,
  }).prefault(1000),
  continueAsNewAfterUpdates: count(
    'Updates of one run after which a ledger goes on as a new one; Temporal refuses the 2,001st.',
    {
      min: 10,
      max: 1900,
    },
  ).prefault(1500),
});

const Approval = z.strictObject({
  preScale: approvalFor('a pre-scale').prefault('never'),
  emergencyScaleUp: approvalFor('an emergency scale-up').prefault('never'),
  drainGpuNode: approvalFor('a drain').prefault('always'),
  addGpuNodes: approvalFor('an addition of GPU nodes').prefault('always'),
  resizeWorkload: approvalFor('a resize').meta({ readLaterBy: 'resizeWorkload' }).prefault('always'),
  expiresAfter: duration('An approval that is asked for and not given after this long is a refusal.').prefault('1h'),
});

function approvalFor(what: string) {
  return oneOf(['never', 'always'], `Whether a second person must approve ${what}.`);
}

const NodeGroup = z.strictObject({
  limits: z.strictObject({
    min: count('Fewest nodes of the group; at most `max`.'),
    max: count('Most nodes of the group.', { min: 1 }),
  }),
  instanceTypes: z
    .array(reference('a key of gpuInstanceTypes', 'A key of `gpuInstanceTypes`.'))
    .min(1)
    .meta({ accepted: 'a list of one or more keys of gpuInstanceTypes' }),
  capacityBlockEnds: moment(
    'Where the group runs on a Capacity Block: when that ends. AWS terminates its instances from 30 minutes before.',
  ).exactOptional(),
});

const GpuInstanceType = z.strictObject({
  instanceType: matching(
    '^[a-z0-9-]+\\.[a-z0-9-]+$',
    'an instance type, such as p4d.24xlarge',
    'As AWS spells it; its key here has a dash for the dot.',
  ),
  gpus: count('GPUs of a node, as it should show in its allocatable.', { min: 1, max: 64 }).meta({}),
  gpu: text('Model and memory of one GPU.'),
  memoryGb: count('Memory of a node in GB.', { min: 1, max: 100_000 }).meta({ readLaterBy: 'assessCapacity' }),
  vcpus: count('Virtual CPUs of a node.', { min: 1, max: 10_000 }).meta({ readLaterBy: 'assessCapacity' }),
  useCase: text('What it is for.').meta({ readLaterBy: 'assessCapacity' }),
});

const Gpu = z.strictObject({
  utilisation: promql(
    'How busy the GPUs of each node are, in percent: one series a node, with its name as label `Hostname`. Only shown.',
  ).prefault('avg by (Hostname) (DCGM_FI_DEV_GPU_UTIL)'),
});

const Prices = z.strictObject({
  currency: matching('^[A-Z]{3}$', 'three capital letters, such as USD', 'Of all prices in this file.').prefault('USD'),
  perNodeHour: byName(amount('On-demand price of a node for an hour.'), 'By key of `gpuInstanceTypes`.').prefault({}),
});

const Profile = z.strictObject({
  cpuRequest: cpu('CPU request; at most `cpuLimit`.'),
  cpuLimit: cpu('CPU limit.'),
  memoryRequest: memory('Memory request; at most `memoryLimit`.'),
  memoryLimit: memory('Memory limit.'),
  useCase: text('What it is for.'),
});

function cpu(description: string) {
  return matching(CPU_PATTERN, 'a CPU quantity in quotes or with m, such as 2000m or "4"', description);
}

function memory(description: string) {
  return matching(MEMORY_PATTERN, 'a memory quantity, such as 8Gi or 512Mi', description);
}

const Trigger = z.strictObject({
  workload: reference('a workload of this file', 'A key of `workloads`.'),
  metric: reference('a load metric of the workload', "A key of the workload's `load`.").meta({
    readLaterBy: 'assessCapacity',
  }),
  above: amount('Fires above this; this or `below`.').meta({ readLaterBy: 'assessCapacity' }).exactOptional(),
  below: amount('Fires below this; this or `above`.').meta({ readLaterBy: 'assessCapacity' }).exactOptional(),
  for: duration('How long it must be so.').meta({ readLaterBy: 'assessCapacity' }),
  pods: leaf(
    z.int().min(-1000).max(1000),
    'a whole number: positive with `above`, negative with `below`',
    'Pods to add, or (negative) to take back of what earlier steps added.',
  ),
  cooldown: duration('No further step of this trigger for this long.'),
});

const EmergencyScaleUp = z.strictObject({
  factor: leaf(z.number().min(1).max(10), 'a number from 1 to 10', 'Times the count at the start.').prefault(2),
  mode: oneOf(
    ['freeze', 'pause'],
    'freeze stops scale-in and leaves scale-out alive; pause stops the autoscaler.',
  ).prefault('freeze'),
  withoutEvidence: oneOf(
    ['goOn', 'ask'],
    'Where nothing shows that pods are what is missing (no saturation, or a young rollout): go on and say so, or ask a person.',
  ).prefault('goOn'),
  askFor: duration('How long that question waits for an answer.').prefault('10m'),
  unanswered: oneOf(['goOn', 'stop'], 'What happens when nobody answers it.').prefault('goOn'),
  rolloutYoungerThan: duration('Pods may not help against a rollout that is younger than this.').prefault('30m'),
  maxDoublings: count('How often one run may multiply: again only while the load saturates what is available.', {
    min: 1,
  }).prefault(1),
  fromZero: z
    .boolean()
    .meta({ accepted: 'true or false', description: 'Whether a workload at 0 replicas is brought to its minimum.' })
    .prefault(false),
  maxHold: duration('The freeze ends after this long, whatever the load is; `extend` makes it longer.').prefault('4h'),
  remindEvery: duration('How often a person is reminded of a hold that has not seen quiet.').prefault('1h'),
  holdDown: duration('An alert must have fired this long before it is acted on.', { orZero: true }).prefault('0s'),
  cooldown: duration('For this long after a run the same firing starts nothing.', { orZero: true }).prefault('15m'),
  budget: z
    .strictObject({
      perHour: count('Runs that alerts may start on one workload in an hour.', { min: 1 }).prefault(3),
      perDay: count('The same in a day.', { min: 1 }).prefault(7),
    })
    .prefault({}),
});

const Scaling = z.strictObject({
  stabilisation: duration('Stabilisation window.', { orZero: true }),
  select: oneOf(['Max', 'Min', 'Disabled'], 'Which of the policies holds.').prefault('Max'),
  policies: z
    .array(
      z.strictObject({
        type: oneOf(['Pods', 'Percent'], 'What `value` counts.'),
        value: count('Largest change in one period.', { min: 1 }),
        period: duration('Period of the policy; at most 30m.'),
      }),
    )
    .min(1)
    .meta({ accepted: 'a list of one or more policies' }),
});

const Autoscaler = z.strictObject({
  use: oneOf(
    ['hpa', 'keda'],
    'Which of the two governs: both on one workload is a conflict, in which neither scales on metrics.',
  ),
  hpa: z
    .strictObject({
      object: matching(OBJECT_NAME_PATTERN, 'an object name', 'metadata.name of the HPA.'),
      limits: limits('pods of the HPA', { min: 1 }),
      cpuUtilisation: count("Target in percent of the pods' CPU requests.", { min: 1, max: 1000 }).exactOptional(),
      memoryUtilisation: count("Target in percent of the pods' memory requests.", {
        min: 1,
        max: 1000,
      }).exactOptional(),
      scaleDown: Scaling,
      scaleUp: Scaling,
    })
    .exactOptional(),
  keda: z
    .strictObject({
      object: matching(OBJECT_NAME_PATTERN, 'an object name', 'metadata.name of the ScaledObject.'),
      limits: limits('pods of the ScaledObject'),
      polling: duration('pollingInterval.'),
      cooldown: duration('cooldownPeriod: acts only on the way to 0 or to the idle count.', { orZero: true }),
      triggers: byName(
        z.strictObject({
          query: promql(
            'Of the prometheus trigger; a plan warns where the trigger asks something else, and leaves it.',
          ),
          threshold: amount('threshold.'),
          metricType: oneOf(
            ['AverageValue', 'Value'],
            'AverageValue wants metric ÷ threshold pods whatever runs now: for queues; Value: for latencies.',
          ),
        }),
        'Prometheus triggers that the ScaledObject has, by their name there.',
      ),
      scaleDown: Scaling.exactOptional(),
      scaleUp: Scaling.exactOptional(),
    })
    .exactOptional(),
  thrashingStabilisation: duration('Scale-down stabilisation that is set when the count swings.').exactOptional(),
});

const Sizing = z.strictObject({
  rps: z
    .strictObject({
      from: amount('From this many requests per second …'),
      to: amount('… up to but without this many.'),
    })
    .exactOptional(),
  pods: range('pods'),
  cpuPerPod: leaf(z.number().gt(0), 'a number of cores above 0', 'Cores of a pod.'),
  memoryPerPod: memory('Memory of a pod.'),
  gpusPerPod: range('GPUs of a pod'),
});

const CapacityPlanning = z.strictObject({
  growthPercents: z
    .array(count('Increase in percent.', { min: 1 }))
    .prefault([])
    .meta({ description: 'Increases that are calculated.' }),
  bufferPercent: count('Room above the projected peak.').prefault(20),
  queries: byName(
    z.strictObject({ query: promql('What is read.'), unit: text('For people.') }),
    'Figures that an assessment shows.',
  ).prefault({}),
});

const Span = z.strictObject({
  from: amount('From this, included.').exactOptional(),
  to: amount('Up to this, not included.').exactOptional(),
});

const Matrix = z.strictObject({
  workload: reference('a workload of this file', 'A key of `workloads`.'),
  loadMetric: reference('a load metric of the workload', 'The load, in percent of capacity.'),
  latencyMetric: reference('a load metric of the workload', 'The latency.'),
  rows: z
    .array(
      z.strictObject({
        load: Span.prefault({}),
        latency: Span.prefault({}),
        action: oneOf(MATRIX_ACTIONS, 'What to do.'),
        source: oneOf(['runbook', 'added'], "The runbook's row, or one that fills a gap between its rows.").meta({
          readLaterBy: 'assessCapacity',
        }),
      }),
    )
    .min(1)
    .meta({
      accepted: 'a list of one or more rows',
      description: 'The first row that matches holds; each load and latency must have one.',
    }),
});

const Alert = z.strictObject({
  procedure: oneOf(['emergencyScaleUp', 'stepScale'], 'What the alert starts.'),
  workload: reference('a workload of this file', 'For emergencyScaleUp: a key of `workloads`.').exactOptional(),
  trigger: reference('a trigger of this file', 'For stepScale: a key of `triggers`.').exactOptional(),
  match: byName(
    text('The value that this label of the alert must have, exactly; all of them must.'),
    'By label.',
  ).exactOptional(),
});

const Window = z.strictObject({
  starts: moment('From then …'),
  ends: moment('… until then no planned change is begun.'),
  reason: text('Shown to whoever is refused.'),
  workloads: z
    .array(reference('a workload of this file', 'A key of `workloads`.'))
    .exactOptional()
    .meta({ description: 'Absent: all.' }),
});

const Channel = z.strictObject({
  kind: oneOf(['slack', 'webhook'], 'What is spoken there.'),
  urlFromEnv: matching(
    '^[A-Z][A-Z0-9_]*$',
    'the name of an environment variable, such as HEADROOM_SLACK_URL',
    'Holds the address: it is a secret and not for this file.',
  ),
});

const Eks = z.strictObject({
  name: text('Name of the cluster in EKS; absent: `cluster.name`.').exactOptional(),
  region: matching(
    '^[a-z]{2}(?:-[a-z]+)+-\\d$',
    'a region as AWS spells it, such as us-east-1',
    'Its region; absent: as the AWS SDK finds it (`AWS_REGION`, the profile, the instance).',
  ).exactOptional(),
});

/** headroom.yaml, as it stands in the file; as output its durations are milliseconds and its defaults are filled in. */
export const PolicyFile = z
  .strictObject({
    cluster: z.strictObject({
      name: text('Name of the cluster, for people; one headroom serves one cluster.'),
      eks: Eks.exactOptional(),
    }),
    prometheus: z.strictObject({ url: address('Base address of Prometheus.') }),
    workloads: byName(Workload, 'What may be scaled, by the name that commands and workflow ids use.'),
    preScale: PreScale.prefault({}),
    windDown: WindDown.prefault({}),
    ledger: Ledger.prefault({}),
    approval: Approval.prefault({}),
    nodeGroups: byName(NodeGroup, 'EKS managed node groups with GPUs.').prefault({}),
    gpuInstanceTypes: byName(GpuInstanceType, 'By instance type, with a dash for the dot.').prefault({}),
    gpu: Gpu.prefault({}),
    drain: Drain.prefault({}),
    addGpuNodes: Addition.prefault({}),
    prices: Prices.prefault({}),
    profiles: byName(Profile, 'Sizes of a pod.').meta({ readLaterBy: 'resizeWorkload' }).prefault({}),
    triggers: byName(Trigger, 'Steps up and down.').prefault({}),
    stepScale: z
      .strictObject({
        minCooldown: duration("No trigger's cooldown counts as shorter than this.").prefault('5m'),
        maxHold: duration(
          'What was added goes after this long, whatever the load is; `extend` makes it longer.',
        ).prefault('12h'),
      })
      .prefault({}),
    emergencyScaleUp: EmergencyScaleUp.prefault({}),
    autoscaler: byName(Autoscaler, "By workload: what its autoscaler's configuration should be.").prefault({}),
    sizing: byName(Sizing, 'How much a load needs.').meta({ readLaterBy: 'assessCapacity' }).prefault({}),
    capacityPlanning: CapacityPlanning.meta({ readLaterBy: 'assessCapacity' }).prefault({}),
    decisionMatrix: Matrix.exactOptional(),
    alertRules: byName(Alert, 'The allow-list, by alert name: an alert that is not here starts nothing.').prefault({}),
    closedWindows: byName(Window, 'Times in which no planned change is begun.').prefault({}),
    notifications: byName(Channel, 'Who is told.').meta({ readLaterBy: 'drainGpuNode' }).prefault({}),
  })
  .meta({ title: 'headroom.yaml' });
export type PolicyFile = z.output<typeof PolicyFile>;

/**
 * Every value that code of this version reads, and what reads it; `*` stands for any name. All other leaves carry
 * `readLaterBy`; a test sees that each leaf is on exactly one side.
 */
export const VALUES_READ_NOW: readonly { readonly path: string; readonly readBy: string }[] = [
  { path: 'cluster.name', readBy: 'preScale: the plan' },
  { path: 'cluster.eks.name', readBy: 'every request to EKS' },
  { path: 'cluster.eks.region', readBy: 'every request to AWS' },
  { path: 'prometheus.url', readBy: 'adapters/prometheus: every query' },
  { path: 'workloads.*.namespace', readBy: 'adapters/kubernetes: where the workload is' },
  { path: 'workloads.*.kind', readBy: 'adapters/kubernetes: which object it is' },
  { path: 'workloads.*.object', readBy: 'adapters/kubernetes: which object it is' },
  { path: 'workloads.*.limits.min', readBy: 'preScale: target; ledger: wanted floor' },
  { path: 'workloads.*.limits.max', readBy: 'preScale: target, ceiling; ledger: wanted floor and ceiling' },
  { path: 'workloads.*.jobs', readBy: 'preScale: refusal' },
  { path: 'workloads.*.refuse', readBy: 'preScale: refusal' },
  { path: 'workloads.*.stateful.allowDatabase', readBy: 'preScale: refusal' },
  { path: 'workloads.*.stateful.allowVolumeDeletion', readBy: 'preScale: refusal' },
  { path: 'workloads.*.load.*.query', readBy: 'preScale: quiet' },
  { path: 'workloads.*.load.*.unit', readBy: 'preScale: quiet, in its reasons' },
  { path: 'workloads.*.load.*.scaleUpAbove', readBy: 'preScale: regression during the wind-down' },
  { path: 'workloads.*.load.*.scaleDownBelow', readBy: 'preScale: quiet' },
  { path: 'workloads.*.load.*.perPod', readBy: 'preScale: quiet' },
  { path: 'workloads.*.dataHealthy', readBy: 'preScale: quiet' },
  { path: 'workloads.*.pricePerPodHour', readBy: 'preScale: cost in the plan' },
  { path: 'workloads.*.dashboards.*.title', readBy: "preScale: the plan and the run's page" },
  { path: 'workloads.*.dashboards.*.url', readBy: "preScale: the plan and the run's page" },
  { path: 'preScale.lead', readBy: 'preScale: when it wakes' },
  { path: 'preScale.availableWithin', readBy: 'preScale: deadline of the diagnosis' },
  { path: 'preScale.quiet.window', readBy: 'preScale: quiet' },
  { path: 'preScale.quiet.askAfter', readBy: 'preScale: when a person is asked' },
  { path: 'preScale.quiet.every', readBy: 'preScale: pace of the judgement' },
  { path: 'preScale.quiet.step', readBy: 'preScale: quiet, spacing of the samples' },
  { path: 'windDown.percent', readBy: 'ledger: step down' },
  { path: 'windDown.every', readBy: 'ledger: step down' },
  { path: 'ledger.ownerCheckEvery', readBy: 'ledger: owner check' },
  { path: 'ledger.guardEvery', readBy: 'ledger: guard' },
  { path: 'ledger.whenPersonLowers', readBy: 'ledger: guard' },
  { path: 'ledger.continueAsNewAfterEvents', readBy: 'ledger: continue as new' },
  { path: 'ledger.continueAsNewAfterUpdates', readBy: 'ledger: continue as new' },
  { path: 'approval.preScale', readBy: 'preScale: the plan, and who goes on' },
  { path: 'approval.expiresAfter', readBy: 'preScale: how long an approval is waited for' },
  { path: 'emergencyScaleUp.factor', readBy: 'emergencyScaleUp: target' },
  { path: 'emergencyScaleUp.mode', readBy: 'emergencyScaleUp: how it claims' },
  { path: 'emergencyScaleUp.withoutEvidence', readBy: 'emergencyScaleUp: whether a person is asked' },
  { path: 'emergencyScaleUp.askFor', readBy: 'emergencyScaleUp: how long a person is asked' },
  { path: 'emergencyScaleUp.unanswered', readBy: 'emergencyScaleUp: when nobody answers' },
  { path: 'emergencyScaleUp.rolloutYoungerThan', readBy: 'emergencyScaleUp: evidence' },
  { path: 'emergencyScaleUp.maxDoublings', readBy: 'emergencyScaleUp: a second step' },
  { path: 'emergencyScaleUp.fromZero', readBy: 'emergencyScaleUp: target at 0 replicas' },
  { path: 'emergencyScaleUp.maxHold', readBy: 'emergencyScaleUp: end of the freeze' },
  { path: 'emergencyScaleUp.remindEvery', readBy: 'emergencyScaleUp: reminders' },
  { path: 'emergencyScaleUp.holdDown', readBy: 'emergencyScaleUp: when an alert is acted on' },
  { path: 'emergencyScaleUp.cooldown', readBy: 'emergencyScaleUp: when the same firing counts again' },
  { path: 'emergencyScaleUp.budget.perHour', readBy: 'emergencyScaleUp: refusal' },
  { path: 'emergencyScaleUp.budget.perDay', readBy: 'emergencyScaleUp: refusal' },
  { path: 'decisionMatrix.workload', readBy: 'emergencyScaleUp: what its evidence says' },
  { path: 'decisionMatrix.loadMetric', readBy: 'emergencyScaleUp: what its evidence says' },
  { path: 'decisionMatrix.latencyMetric', readBy: 'emergencyScaleUp: what its evidence says' },
  { path: 'decisionMatrix.rows.*.load.from', readBy: 'emergencyScaleUp: what its evidence says' },
  { path: 'decisionMatrix.rows.*.load.to', readBy: 'emergencyScaleUp: what its evidence says' },
  { path: 'decisionMatrix.rows.*.latency.from', readBy: 'emergencyScaleUp: what its evidence says' },
  { path: 'decisionMatrix.rows.*.latency.to', readBy: 'emergencyScaleUp: what its evidence says' },
  { path: 'decisionMatrix.rows.*.action', readBy: 'emergencyScaleUp: what its evidence says' },
  { path: 'approval.emergencyScaleUp', readBy: 'emergencyScaleUp: the plan, and who goes on' },
  { path: 'triggers.*.workload', readBy: 'stepScale: which steps are of its workload' },
  { path: 'triggers.*.pods', readBy: 'stepScale: how far a step goes' },
  { path: 'triggers.*.cooldown', readBy: 'stepScale: when the next step of a trigger is due' },
  { path: 'stepScale.minCooldown', readBy: 'stepScale: when the next step of a trigger is due' },
  { path: 'stepScale.maxHold', readBy: 'stepScale: when what was added goes' },
  { path: 'autoscaler.*.use', readBy: 'configureAutoscaler: refusal' },
  { path: 'autoscaler.*.hpa.object', readBy: 'configureAutoscaler: refusal' },
  { path: 'autoscaler.*.hpa.limits.min', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.limits.max', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.cpuUtilisation', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.memoryUtilisation', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleDown.stabilisation', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleDown.select', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleDown.policies.*.type', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleDown.policies.*.value', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleDown.policies.*.period', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleUp.stabilisation', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleUp.select', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleUp.policies.*.type', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleUp.policies.*.value', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.hpa.scaleUp.policies.*.period', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.object', readBy: 'configureAutoscaler: refusal' },
  { path: 'autoscaler.*.keda.limits.min', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.limits.max', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.polling', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.cooldown', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.triggers.*.query', readBy: 'configureAutoscaler: warning' },
  { path: 'autoscaler.*.keda.triggers.*.threshold', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.triggers.*.metricType', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleDown.stabilisation', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleDown.select', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleDown.policies.*.type', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleDown.policies.*.value', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleDown.policies.*.period', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleUp.stabilisation', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleUp.select', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleUp.policies.*.type', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleUp.policies.*.value', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.keda.scaleUp.policies.*.period', readBy: 'configureAutoscaler: the wanted spec' },
  { path: 'autoscaler.*.thrashingStabilisation', readBy: 'configureAutoscaler: the calmer spec' },
  { path: 'gpu.utilisation', readBy: 'gpu: how busy each node is' },
  { path: 'prices.currency', readBy: 'preScale: cost in the plan' },
  { path: 'alertRules.*.procedure', readBy: 'webhook: what an alert starts' },
  { path: 'alertRules.*.workload', readBy: 'webhook: where an alert goes' },
  { path: 'alertRules.*.trigger', readBy: 'webhook: where an alert goes' },
  { path: 'alertRules.*.match.*', readBy: 'webhook: whether an alert is allowed' },
  ...DRAIN_VALUES_READ_NOW,
  ...ADDITION_VALUES_READ_NOW,
];
