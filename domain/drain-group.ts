import type { ResolvedDrain } from './drain-policy.ts';
import type { DrainedNode, DrainSurvey } from './drain-survey.ts';
import { formatDuration } from './duration.ts';
import type { NodeGroupState } from './node-group.ts';

/** From so long before its end on, AWS terminates the instances of a Capacity Block by itself (R65). */
const BLOCK_ENDS_EARLY_MS = 30 * 60_000;

interface Removal {
  readonly state: NodeGroupState;
  readonly nodes: readonly DrainedNode[];
  readonly policy: ResolvedDrain;
}

/** What a group has against losing these nodes; all that apply are told. */
const RULES: readonly ((removal: Removal) => readonly string[])[] = [
  ({ state: { name }, policy }) =>
    Object.hasOwn(policy.nodeGroups, name)
      ? []
      : [
          `node group ${name} is not in nodeGroups of headroom.yaml, which says how small it may be; add it, or drain without --remove`,
        ],
  // an update also raises desired and maximum for a while (R67)
  ({ state: { name, status, issues } }) =>
    status === 'ACTIVE' || status === 'DEGRADED'
      ? []
      : [
          `node group ${name} is ${status}${issues.map(({ code, message }) => `; ${code}: ${message}`).join('')}; remove its nodes when it is ACTIVE again`,
        ],
  ({ state: { name, refreshing, autoScalingGroup } }) =>
    refreshing
      ? [
          `an instance refresh of ${autoScalingGroup} replaces the nodes of ${name} by itself; wait for its end, or cancel it`,
        ]
      : [],
  ({ state: { name, live }, nodes: { length } }) =>
    live.desired - length >= live.min
      ? []
      : [
          `node group ${name} has ${live.desired} nodes and a minimum of ${live.min}: ${length} fewer would be too few for AWS; lower its minimum, or add nodes first`,
        ],
  ({ state: { name, live }, nodes: { length }, policy }) => {
    const least = policy.nodeGroups[name]?.limits.min ?? 0;
    return live.desired - length >= least
      ? []
      : [
          `node group ${name} would have ${live.desired - length} nodes, and nodeGroups.${name}.limits.min is ${least}; lower it, or add nodes first`,
        ];
  },
  ({ state, nodes }) => nodes.flatMap(({ name, instanceId }) => instanceFaults(state, name, instanceId)),
];

/** Turns are taken group by group, and a removal is judged by the group that it makes smaller. */
export function judgeGroups({
  nodes,
  remove,
  survey,
  policy,
  nowMs,
}: {
  readonly nodes: readonly DrainedNode[];
  readonly remove: boolean;
  readonly survey: DrainSurvey;
  readonly policy: ResolvedDrain;
  readonly nowMs: number;
}): { readonly reasons: readonly string[]; readonly warnings: readonly string[] } {
  const byGroup = Map.groupBy(nodes, ({ group }) => group);
  const mixed =
    byGroup.size > 1
      ? [
          `the nodes are of ${byGroup.size} groups (${[...byGroup].map(([group, of]) => `${group ?? 'none'}: ${of.map(({ name }) => name).join(', ')}`).join('; ')}); drain one group at a time`,
        ]
      : [];
  const readings = [...byGroup].flatMap(([group, of]) => {
    const reading = survey.groups.find(({ name }) => name === group);
    return reading === undefined ? [] : [{ reading, nodes: of }];
  });
  const removals = readings.flatMap(({ reading: { state }, nodes: of }) =>
    state === null || !remove ? [] : [{ state, nodes: of, policy }],
  );
  return {
    reasons: [
      ...mixed,
      ...readings
        .filter(({ reading }) => reading.state === null && remove)
        .map(
          ({ reading }) => `node group ${reading.name} cannot be read, so nothing of it is removed: ${reading.unread}`,
        ),
      ...removals.flatMap((removal) => RULES.flatMap((rule) => rule(removal))),
      ...removals.flatMap(({ state }) => blockFaults(state, policy, nowMs)),
    ],
    warnings: removals.flatMap((removal) => groupWarnings(removal, nowMs)),
  };
}

function instanceFaults(
  { name: group, instances }: NodeGroupState,
  node: string,
  instanceId: string,
): readonly string[] {
  if (instanceId === '') return [];
  const instance = instances.find(({ id }) => id === instanceId);
  if (instance === undefined)
    return [
      `${node} is instance ${instanceId}, which the Auto Scaling group of ${group} does not have; somebody else removed it`,
    ];
  if (instance.lifecycle === 'InService') return [];
  return [
    `${node} is instance ${instanceId}, which is ${instance.lifecycle} already; only one that is InService is removed`,
  ];
}

function blockFaults(state: NodeGroupState, policy: ResolvedDrain, nowMs: number): readonly string[] {
  const endMs = capacityEndMs(state, policy);
  if (endMs === null || nowMs < endMs - BLOCK_ENDS_EARLY_MS) return [];
  return [
    `the Capacity Block of ${state.name} ends at ${new Date(endMs).toISOString()}, and AWS terminates its instances from 30m before; there is nothing left to remove`,
  ];
}

/** When AWS begins to take the instances of the block away; null where that is not known, or no block. */
function capacityEndMs({ name, capacityType }: NodeGroupState, { nodeGroups }: ResolvedDrain): number | null {
  const ends = nodeGroups[name]?.capacityBlockEnds;
  return capacityType !== 'CAPACITY_BLOCK' || ends === undefined ? null : Date.parse(ends);
}

function groupWarnings({ state, nodes, policy }: Removal, nowMs: number): readonly string[] {
  const { name, zones, suspendedProcesses, instances, capacityType, status, issues } = state;
  const endMs = capacityEndMs(state, policy);
  const { waitForJobsMs, checkpointWithinMs, evictionDeadlineMs } = policy.drain;
  const longestMs = waitForJobsMs + checkpointWithinMs + evictionDeadlineMs;
  const guarded = nodes.filter(({ instanceId }) =>
    instances.some((one) => one.id === instanceId && one.protectedFromScaleIn),
  );
  return [
    ...(zones.length > 1 && !suspendedProcesses.includes('AZRebalance')
      ? [
          `node group ${name} spans ${zones.length} zones and AZRebalance is not suspended: AWS may terminate another of its instances to even the zones out; suspend it first (aws autoscaling suspend-processes --auto-scaling-group-name ${state.autoScalingGroup} --scaling-processes AZRebalance)`,
        ]
      : []),
    ...(capacityType === 'CAPACITY_BLOCK'
      ? [
          endMs === null
            ? `node group ${name} runs on a Capacity Block whose end is not in nodeGroups.${name}.capacityBlockEnds: AWS terminates its instances from 30m before it, whatever runs there`
            : `the Capacity Block of ${name} ends at ${new Date(endMs).toISOString()}, and is paid until then whether or not its instances run`,
        ]
      : []),
    ...(endMs !== null && nowMs < endMs - BLOCK_ENDS_EARLY_MS && nowMs + longestMs > endMs - BLOCK_ENDS_EARLY_MS
      ? [
          `jobs may be waited for longer than the block lasts: AWS terminates its instances in ${formatDuration(endMs - BLOCK_ENDS_EARLY_MS - nowMs)}`,
        ]
      : []),
    ...guarded.map(
      ({ name: node }) =>
        `${node} is protected from scale-in, which does not stop a removal: somebody wanted it to stay`,
    ),
    ...(status === 'DEGRADED'
      ? [`node group ${name} is DEGRADED (${issues.map(({ code }) => code).join(', ') || 'without a reason'})`]
      : []),
  ];
}
