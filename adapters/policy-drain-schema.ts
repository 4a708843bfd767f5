import { z } from 'zod';
import { duration, flag, oneOf } from './policy-leaves.ts';

/** The section `drain` of headroom.yaml; its defaults lose nobody's work. */
export const Drain = z.strictObject({
  protectYoungGpuJobs: duration(
    'A GPU job that started less than this ago blocks the drain: it has had no time for a checkpoint.',
    { orZero: true },
  ).prefault('10m'),
  waitForJobs: duration('How long jobs on the node may go on to their end before anything is done about them.', {
    orZero: true,
  }).prefault('4h'),
  jobsLeft: oneOf(
    ['checkpoint', 'ask', 'stop'],
    'What is done about jobs that run on: `checkpoint` asks them for one (headroom.dev/checkpoint), and a person about those that do not answer; `ask` asks a person at once; `stop` ends the drain.',
  ).prefault('checkpoint'),
  checkpointWithin: duration('How long a checkpoint may take.').prefault('15m'),
  checkEvery: duration('How often jobs that are waited for are looked at.').prefault('15s'),
  evictionDeadline: duration(
    'What has not let itself be evicted by then is named with its budget, and the drain is undone.',
  ).prefault('1h'),
  goneWithin: duration(
    'How long an instance may take to go once it was told to terminate, or its NodeClaim was deleted.',
  ).prefault('15m'),
  cordonFor: duration('How long a node that is not removed stays cordoned, where the command does not say.').prefault(
    '4h',
  ),
  allowLocalData: flag('Pods with emptyDir volumes may be evicted, which deletes what is in them.').prefault(false),
  allowBarePods: flag('Pods may be evicted that no controller would make anew.').prefault(false),
  allowUnplacedGpuPods: flag('GPU pods may be evicted for which no other node has a place.').prefault(false),
  karpenter: oneOf(
    ['refuse', 'empty', 'remove'],
    "What may be done to Karpenter's nodes: nothing; `empty` them; `remove` them too, by deleting their NodeClaims, which takes a right of its own (deploy/karpenter/).",
  ).prefault('refuse'),
  oneByOne: flag(
    'The next pod of a controller goes when the one before has been replaced, whatever budgets allow.',
  ).prefault(false),
  surgeSingleReplicas: flag(
    'A Deployment of `workloads` with one replica gets a second one, as a claim, before the first is evicted.',
  ).prefault(true),
});

export const DRAIN_VALUES_READ_NOW: readonly { readonly path: string; readonly readBy: string }[] = [
  ...Object.keys(Drain.shape).map((name) => ({ path: `drain.${name}`, readBy: 'drainGpuNode: the plan' })),
  { path: 'approval.drainGpuNode', readBy: 'drainGpuNode: the plan, and who goes on' },
  { path: 'nodeGroups.*.limits.min', readBy: 'drainGpuNode: refusal' },
  { path: 'nodeGroups.*.capacityBlockEnds', readBy: 'drainGpuNode: refusal' },
  { path: 'gpuInstanceTypes.*.instanceType', readBy: 'drainGpuNode: which nodes are GPU nodes, and what they cost' },
  { path: 'prices.perNodeHour.*', readBy: 'drainGpuNode: what an interruption costs' },
  { path: 'closedWindows.*.starts', readBy: 'drainGpuNode: refusal' },
  { path: 'closedWindows.*.ends', readBy: 'drainGpuNode: refusal' },
  { path: 'closedWindows.*.reason', readBy: 'drainGpuNode: refusal' },
  { path: 'closedWindows.*.workloads.*', readBy: 'drainGpuNode: warning instead of refusal' },
];
