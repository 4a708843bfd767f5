import { z } from 'zod';
import { count, duration, oneOf } from './policy-leaves.ts';

/** The section `addGpuNodes` of headroom.yaml. */
export const Addition = z.strictObject({
  maxPerRun: count('Most nodes that one run may add.', { min: 1, max: 1_000 }).prefault(20),
  usableWithin: duration('What cannot compute by then is named, and what has not come is taken back.').prefault('20m'),
  every: duration('How often instances, launches and nodes are looked at.').prefault('5s'),
  whenUnmet: oneOf(
    ['ask', 'takeBack', 'wait'],
    'When AWS says that it has none: `ask` a person (or the next group, where the command names one), `takeBack` the order at once, or `wait` until `usableWithin`.',
  ).prefault('ask'),
  askFor: duration('How long a person is asked before the order is taken back.').prefault('15m'),
  holdMinimumFor: duration(
    'Beside Cluster Autoscaler: how long the raised minimum keeps new nodes while pods come to them.',
    { orZero: true },
  ).prefault('30m'),
});

export const ADDITION_VALUES_READ_NOW: readonly { readonly path: string; readonly readBy: string }[] = [
  { path: 'addGpuNodes.maxPerRun', readBy: 'addGpuNodes: refusal' },
  { path: 'addGpuNodes.usableWithin', readBy: 'addGpuNodes: the plan' },
  { path: 'addGpuNodes.every', readBy: 'addGpuNodes: pace of the look' },
  { path: 'addGpuNodes.whenUnmet', readBy: 'addGpuNodes: when AWS has none' },
  { path: 'addGpuNodes.askFor', readBy: 'addGpuNodes: how long a person is asked' },
  { path: 'addGpuNodes.holdMinimumFor', readBy: 'addGpuNodes: beside Cluster Autoscaler' },
  { path: 'approval.addGpuNodes', readBy: 'addGpuNodes: the plan, and who goes on' },
  { path: 'nodeGroups.*.limits.max', readBy: 'addGpuNodes: refusal' },
  { path: 'nodeGroups.*.instanceTypes.*', readBy: 'addGpuNodes: refusal' },
  { path: 'gpuInstanceTypes.*.gpus', readBy: 'addGpuNodes: when a node is usable' },
  { path: 'gpuInstanceTypes.*.gpu', readBy: 'addGpuNodes: the plan' },
];
