import type { ResolvedDrain } from './drain-policy.ts';
import type { DrainRequest } from './drain-request.ts';
import type { DrainedNode, DrainSurvey } from './drain-survey.ts';
import { gpusOf, instanceIdOf, ownerOf, type NodeOwner, type NodeState } from './gpu-node.ts';
import { judgeGroups } from './drain-group.ts';
import { judgeNodeClaims, type ClaimedNode } from './drain-node-claims.ts';
import type { NodeClaimRef } from './node-claim.ts';
import type { ClosedWindow } from './policy.ts';

export interface NodesVerdict {
  readonly nodes: readonly DrainedNode[];
  readonly reasons: readonly string[];
  /** Whether waiting may help: nothing is wrong but nodes that are not ready. */
  readonly passing: boolean;
  readonly warnings: readonly string[];
}

interface NodeCase {
  readonly state: NodeState;
  readonly owner: NodeOwner;
  readonly remove: boolean;
  readonly policy: ResolvedDrain;
}

/** The words of the node's own label, as AWS spells them. */
const INSTANCE_TYPE = 'node.kubernetes.io/instance-type';

/** Put there by somebody who is about to remove the node (R67). */
const OTHER_ACTORS: Readonly<Record<string, string>> = {
  ToBeDeletedByClusterAutoscaler: 'Cluster Autoscaler',
  'karpenter.sh/disrupted': 'Karpenter',
  'karpenter.sh/disruption': 'Karpenter',
};

/** Where a node of Karpenter's may be emptied, and where removed too. */
const KARPENTER_ALLOWS: Readonly<Record<'emptied' | 'removed', readonly string[]>> = {
  emptied: ['empty', 'remove'],
  removed: ['remove'],
};

/** Why a node cannot be drained as asked, undefined where the rule has nothing against it. All that apply are told. */
const RULES: readonly ((node: NodeCase) => string | undefined)[] = [
  ({ state: { name }, owner }) =>
    owner.kind === 'Fargate'
      ? `${name} is a Fargate node: it is one pod's and goes with it; delete or scale that pod`
      : undefined,
  ({ state: { name }, owner }) =>
    owner.kind === 'Auto Mode'
      ? `${name} is a node of EKS Auto Mode, which replaces nodes by itself; kubectl delete node ${name} lets it drain and terminate it`
      : undefined,
  ({ state: { name }, owner, policy, remove }) =>
    owner.kind === 'Karpenter' && !KARPENTER_ALLOWS[remove ? 'removed' : 'emptied'].includes(policy.drain.karpenter)
      ? `${name} is Karpenter's (node pool ${owner.nodePool}); set drain.karpenter: ${remove ? 'remove, and headroom deletes its NodeClaim when it is empty' : 'empty'}, or delete its NodeClaim (kubectl delete node ${name} does that): Karpenter drains it, and terminates its instance`
      : undefined,
  ({ state: { name, providerId }, owner }) =>
    owner.kind !== 'Fargate' && instanceIdOf(providerId) === null
      ? `${name} has provider id ${providerId ?? 'none'}, which names no EC2 instance; headroom drains nodes as aws:///<zone>/<i-…>`
      : undefined,
  ({ state: { name }, owner, remove }) =>
    owner.kind === 'self-managed' && remove
      ? `${name} is self-managed: no managed node group says how small its group may be; drain it without --remove, and terminate its instance yourself`
      : undefined,
  ({ state, owner, policy }) =>
    isGpuNode(state, owner, policy)
      ? undefined
      : `${state.name} is no GPU node: it offers no nvidia.com/gpu, and neither its type (${typeOf(state) ?? 'unknown'}) nor its group is in headroom.yaml; kubectl drain is for such nodes`,
  ({ state: { name, taints } }) => {
    const taint = taints.find(({ key }) => OTHER_ACTORS[key] !== undefined);
    return taint === undefined
      ? undefined
      : `${name} is being removed by ${OTHER_ACTORS[taint.key]} already (taint ${taint.key}); leave it to that, or remove the taint`;
  },
];

function whyUnready({ name, ready }: NodeState): readonly string[] {
  if (ready) return [];
  return [
    `${name} is not ready: without its kubelet its pods stay Terminating for ever; mend it, or taint it with node.kubernetes.io/out-of-service when its instance is surely off`,
  ];
}

/** Everything that the nodes and their groups have against a drain, at once. */
export function judgeNodes({
  request,
  survey,
  policy,
  nowMs,
}: {
  readonly request: Pick<DrainRequest, 'nodes' | 'remove'>;
  readonly survey: DrainSurvey;
  readonly policy: ResolvedDrain;
  readonly nowMs: number;
}): NodesVerdict {
  const remove = request.remove === true;
  const found = survey.nodes.flatMap(({ state }) => (state === null ? [] : [{ state, owner: ownerOf(state) }]));
  const claims = judgeNodeClaims(remove && policy.drain.karpenter === 'remove' ? found.flatMap(asClaimed) : [], survey);
  const nodes = found.map(({ state, owner }) => asDrained(state, owner, claims.claims));
  const groups = judgeGroups({ nodes, remove, survey, policy, nowMs });
  const unready = found.flatMap(({ state }) => whyUnready(state));
  const lasting = [
    ...survey.nodes
      .filter(({ state }) => state === null)
      .map(({ name }) => `there is no node ${name}; kubectl get nodes shows their names`),
    ...found.flatMap(({ state, owner }) => RULES.flatMap((rule) => rule({ state, owner, remove, policy }) ?? [])),
    ...closedNow(policy, nowMs)
      .filter(({ workloads }) => workloads === undefined)
      .map(({ endsAt, reason }) => `policy allows no planned change until ${endsAt} (${reason})`),
    ...claims.reasons,
    ...groups.reasons,
  ];
  return {
    nodes,
    reasons: [...unready, ...lasting],
    passing: lasting.length === 0,
    warnings: [
      ...nodes
        .filter(({ wasCordoned }) => wasCordoned)
        .map(({ name }) => `${name} is cordoned already, not by headroom: it stays so, also when the drain is undone`),
      ...closedNow(policy, nowMs).flatMap(({ endsAt, reason, workloads }) =>
        workloads === undefined
          ? []
          : [
              `policy allows no planned change of ${workloads.join(', ')} until ${endsAt} (${reason}): look whether their pods are evicted`,
            ],
      ),
      ...claims.warnings,
      ...groups.warnings,
    ],
  };
}

function asClaimed({ state, owner }: Pick<NodeCase, 'state' | 'owner'>): readonly ClaimedNode[] {
  const instanceId = instanceIdOf(state.providerId);
  if (owner.kind !== 'Karpenter' || instanceId === null) return [];
  return [{ name: state.name, instanceId, nodePool: owner.nodePool }];
}

function asDrained(state: NodeState, owner: NodeOwner, claims: ReadonlyMap<string, NodeClaimRef>): DrainedNode {
  const nodeClaim = claims.get(state.name);
  const cordonedBy = readOwner(state.annotations['headroom.dev/cordon']);
  return {
    name: state.name,
    uid: state.uid,
    instanceId: instanceIdOf(state.providerId) ?? '',
    group: owner.kind === 'managed node group' ? owner.group : null,
    instanceType: typeOf(state),
    gpus: gpusOf(state),
    wasCordoned: !state.schedulable && cordonedBy === null,
    cordonedBy,
    ...(nodeClaim !== undefined && { nodeClaim }),
  };
}

/** What cannot be read is a mark of ours all the same. */
function readOwner(mark: string | undefined): string | null {
  if (mark === undefined) return null;
  return /"owner":"([^"]*)"/.exec(mark)?.[1] ?? '?';
}

function isGpuNode(state: NodeState, owner: NodeOwner, { nodeGroups, gpuInstanceTypes }: ResolvedDrain): boolean {
  if (gpusOf(state) > 0) return true;
  if (owner.kind === 'managed node group' && Object.hasOwn(nodeGroups, owner.group)) return true;
  return Object.values(gpuInstanceTypes).some(({ instanceType }) => instanceType === typeOf(state));
}

function typeOf({ labels }: NodeState): string | null {
  return labels[INSTANCE_TYPE] ?? null;
}

function closedNow({ closedWindows }: ResolvedDrain, nowMs: number): readonly ClosedWindow[] {
  return closedWindows.filter(({ startsAt, endsAt }) => Date.parse(startsAt) <= nowMs && nowMs < Date.parse(endsAt));
}
