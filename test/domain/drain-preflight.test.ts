import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DrainPolicy, ResolvedDrain } from '../../domain/drain-policy.ts';
import type { DrainSurvey } from '../../domain/drain-survey.ts';
import type { NodeState } from '../../domain/gpu-node.ts';
import type { NodeGroupState } from '../../domain/node-group.ts';
import {
  aClaim,
  aDrainPod,
  aDrainPolicy,
  aGpuNode,
  aGroup,
  aSurvey,
  decideDrain,
  drainPlanOf,
  HOUR_MS,
  NOW_MS,
  reasonsOf,
} from './drain-builders.ts';

const TYPE = { 'node.kubernetes.io/instance-type': 'p4d.24xlarge' };
const GROUP = { ...TYPE, 'eks.amazonaws.com/nodegroup': 'gpu-workers' };
const KARPENTER = { ...TYPE, 'karpenter.sh/nodepool': 'gpu' };
const iso = (afterMs: number) => new Date(NOW_MS + afterMs).toISOString();
const taint = (key: string) => ({ key, value: '', effect: 'NoSchedule' });

interface Row {
  readonly name: string;
  readonly node?: Partial<NodeState>;
  readonly nodes?: readonly NodeState[];
  readonly group?: Partial<NodeGroupState>;
  readonly survey?: Partial<Omit<DrainSurvey, 'nodes'>>;
  readonly drain?: Partial<DrainPolicy>;
  readonly policy?: Partial<ResolvedDrain>;
  /** Absent: with --remove. */
  readonly keep?: true;
  /** Absent: nothing is refused. */
  readonly refused?: RegExp;
  readonly warned?: RegExp;
}

/** A node of Karpenter's that policy lets us remove. */
const claimed = ({ claims = [aClaim()], deletable = true } = {}) => ({
  node: { labels: KARPENTER },
  drain: { karpenter: 'remove' } as const,
  survey: { nodeClaims: { kind: 'read', claims, deletable } as const },
});

const blockOf = (endsInMs: number) => ({
  group: { capacityType: 'CAPACITY_BLOCK' },
  policy: {
    nodeGroups: {
      'gpu-workers': { limits: { min: 1, max: 20 }, instanceTypes: [], capacityBlockEnds: iso(endsInMs) },
    },
  },
});

const ROWS: readonly Row[] = [
  { name: 'one of four nodes' },
  {
    name: 'a Fargate node',
    node: { labels: { 'eks.amazonaws.com/compute-type': 'fargate' } },
    refused: /Fargate node/,
  },
  {
    name: 'a node of Auto Mode',
    node: { labels: { ...TYPE, 'eks.amazonaws.com/compute-type': 'auto' } },
    keep: true,
    refused: /EKS Auto Mode.*kubectl delete node n1/,
  },
  {
    name: "a node of Karpenter's",
    node: { labels: KARPENTER },
    keep: true,
    refused: /Karpenter's \(node pool gpu\); set drain\.karpenter: empty, or delete its NodeClaim/,
  },
  { name: 'the same where it may be emptied', node: { labels: KARPENTER }, drain: { karpenter: 'empty' }, keep: true },
  {
    name: 'the same when it is to be removed',
    node: { labels: KARPENTER },
    drain: { karpenter: 'empty' },
    refused: /set drain\.karpenter: remove, and headroom deletes its NodeClaim.*or delete its NodeClaim/,
  },
  { name: 'the same where it may be removed', node: { labels: KARPENTER }, drain: { karpenter: 'remove' }, keep: true },
  {
    name: 'the same when it is to be removed, and may be',
    ...claimed(),
    warned: /no group gets smaller: Karpenter may start another node of its pool gpu for pods that wait/,
  },
  {
    name: 'its removal where NodeClaims may not be deleted',
    ...claimed({ deletable: false }),
    refused:
      /may not delete nodeclaims\.karpenter\.sh.*grant it as deploy\/karpenter\/rbac\.yaml does, or drain without/,
  },
  {
    name: 'its removal where there are no NodeClaims',
    ...claimed(),
    survey: { nodeClaims: { kind: 'absent' } },
    refused: /knows no NodeClaims \(karpenter\.sh\/v1\)/,
  },
  {
    name: 'its removal where they cannot be read',
    ...claimed(),
    survey: { nodeClaims: { kind: 'unread', reason: 'worker may not list nodeclaims' } },
    refused: /NodeClaims cannot be read.*worker may not list nodeclaims/,
  },
  { name: 'its removal where they were not read', ...claimed(), survey: {}, refused: /NodeClaims were not read/ },
  {
    name: 'its removal where none is its own',
    ...claimed({ claims: [aClaim({ providerId: 'aws:///us-east-1a/i-02' })] }),
    refused: /no NodeClaim stands for n1: none has instance i-01/,
  },
  {
    name: 'its removal where one has its instance and another name',
    ...claimed({ claims: [aClaim({ nodeName: 'n2' })] }),
    refused: /no NodeClaim stands for n1/,
  },
  {
    name: 'its removal where two may be its own',
    ...claimed({ claims: [aClaim(), aClaim({ name: 'gpu-b', nodeName: null })] }),
    refused: /n1 has 2 NodeClaims \(gpu-a, gpu-b\)/,
  },
  {
    name: 'its removal where one of its name is of an instance before it',
    ...claimed({ claims: [aClaim({ name: 'gpu-b', providerId: 'aws:///us-east-1a/i-0f' }), aClaim()] }),
    warned: /no group gets smaller/,
  },
  {
    name: 'its removal where it is under way',
    ...claimed({ claims: [aClaim({ deleting: true })] }),
    refused: /NodeClaim gpu-a of n1 is being deleted already/,
  },
  {
    name: 'its removal where Karpenter would not hear of it',
    ...claimed({ claims: [aClaim({ guarded: false })] }),
    refused: /no finalizer karpenter\.sh\/termination/,
  },
  {
    name: 'its removal where Karpenter is at it',
    ...claimed(),
    node: { labels: KARPENTER, taints: [taint('karpenter.sh/disrupted')] },
    refused: /removed by Karpenter already/,
  },
  {
    name: 'its removal with a grace period',
    ...claimed({ claims: [aClaim({ terminationGracePeriod: '24h' })] }),
    warned: /terminationGracePeriod of 24h: so long after its deletion Karpenter deletes what is still on the node/,
  },
  { name: 'a node without instance', node: { providerId: null }, keep: true, refused: /provider id none/ },
  { name: 'a hybrid node', node: { providerId: 'eks-hybrid:///x' }, keep: true, refused: /names no EC2 instance/ },
  { name: 'a self-managed node', node: { labels: TYPE }, refused: /self-managed.*without --remove/ },
  { name: 'the same without removal', node: { labels: TYPE }, keep: true },
  {
    name: 'a node without GPUs',
    node: { labels: { 'eks.amazonaws.com/nodegroup': 'general' }, allocatable: {} },
    keep: true,
    refused: /no GPU node/,
  },
  { name: 'a GPU node whose GPUs are not registered', node: { allocatable: {} }, keep: true },
  { name: 'a node that is not ready', node: { ready: false }, keep: true, refused: /not ready/ },
  {
    name: 'a node that Cluster Autoscaler removes',
    node: { taints: [taint('ToBeDeletedByClusterAutoscaler')] },
    keep: true,
    refused: /removed by Cluster Autoscaler/,
  },
  {
    name: 'a node that Karpenter removes',
    node: { taints: [taint('karpenter.sh/disrupted')] },
    keep: true,
    refused: /removed by Karpenter/,
  },
  {
    name: 'a node that somebody cordoned',
    node: { schedulable: false },
    warned: /n1 is cordoned already, not by headroom: it stays so/,
  },
  {
    name: 'nodes of two groups',
    nodes: [aGpuNode(), aGpuNode({ name: 'n2', labels: TYPE })],
    keep: true,
    refused: /2 groups \(gpu-workers: n1; none: n2\)/,
  },
  {
    name: 'a group that cannot be read',
    survey: { groups: [{ name: 'gpu-workers', state: null, unread: 'no credentials' }] },
    refused: /cannot be read.*no credentials/,
  },
  {
    name: 'the same without removal',
    survey: { groups: [{ name: 'gpu-workers', state: null, unread: 'x' }] },
    keep: true,
  },
  { name: 'a group that policy does not know', policy: { nodeGroups: {} }, refused: /not in nodeGroups/ },
  { name: 'a group that is updating', group: { status: 'UPDATING' }, refused: /gpu-workers is UPDATING/ },
  {
    name: 'a group that is being deleted',
    group: {
      status: 'DELETE_FAILED',
      issues: [{ code: 'Ec2SecurityGroupDeletionFailure', message: 'in use', resourceIds: [] }],
    },
    refused: /DELETE_FAILED; Ec2SecurityGroupDeletionFailure: in use/,
  },
  {
    name: 'a degraded group',
    group: { status: 'DEGRADED', issues: [{ code: 'AsgInstanceLaunchFailures', message: '', resourceIds: [] }] },
    warned: /DEGRADED \(AsgInstanceLaunchFailures\)/,
  },
  {
    name: 'a group that refreshes its instances',
    group: { refreshing: true },
    refused: /instance refresh of eks-gpu-workers-1/,
  },
  {
    name: 'the last node of a group',
    group: { live: { min: 1, max: 4, desired: 1 } },
    refused: /1 nodes and a minimum of 1: 1 fewer/,
  },
  { name: 'the last but one', group: { live: { min: 1, max: 4, desired: 2 } } },
  {
    name: 'two nodes of a group that may lose one',
    nodes: [aGpuNode(), aGpuNode({ name: 'n2' })],
    group: { live: { min: 3, max: 4, desired: 4 } },
    refused: /2 fewer would be too few/,
  },
  { name: 'the last node without removal', group: { live: { min: 1, max: 4, desired: 1 } }, keep: true },
  {
    name: 'a node that policy wants to stay',
    policy: { nodeGroups: { 'gpu-workers': { limits: { min: 4, max: 20 }, instanceTypes: [] } } },
    refused: /would have 3 nodes, and nodeGroups\.gpu-workers\.limits\.min is 4/,
  },
  {
    name: 'an instance that is gone',
    group: { instances: [] },
    refused: /i-01, which the Auto Scaling group of gpu-workers does not have/,
  },
  {
    name: 'an instance that terminates',
    group: { instances: aGroup().instances.map((one) => ({ ...one, lifecycle: 'Terminating:Wait' })) },
    refused: /Terminating:Wait already/,
  },
  {
    name: 'a protected instance',
    group: { instances: aGroup().instances.map((one) => ({ ...one, protectedFromScaleIn: true })) },
    warned: /protected from scale-in/,
  },
  { name: 'a group of two zones', group: { zones: ['a', 'b'] }, warned: /AZRebalance is not suspended/ },
  { name: 'a group of one zone', warned: /^$/ },
  {
    name: 'two zones with AZRebalance suspended',
    group: { zones: ['a', 'b'], suspendedProcesses: ['AZRebalance'] },
    warned: /^$/,
  },
  {
    name: 'a Capacity Block with an end that nobody knows',
    group: { capacityType: 'CAPACITY_BLOCK' },
    warned: /whose end is not in/,
  },
  {
    name: 'a Capacity Block that ends in 20 minutes',
    ...blockOf(HOUR_MS / 3),
    refused: /Capacity Block of gpu-workers ends/,
  },
  { name: 'a Capacity Block that ends in an hour', ...blockOf(HOUR_MS), warned: /terminates its instances in 30m/ },
  { name: 'a Capacity Block that ends in a week', ...blockOf(7 * 24 * HOUR_MS), warned: /is paid until then/ },
  {
    name: 'a closed window',
    policy: { closedWindows: [{ startsAt: iso(-1), endsAt: iso(1), reason: 'sale' }] },
    keep: true,
    refused: /no planned change until .* \(sale\)/,
  },
  { name: 'a window that is over', policy: { closedWindows: [{ startsAt: iso(-2), endsAt: iso(0), reason: 'sale' }] } },
  {
    name: 'a window of one workload',
    policy: { closedWindows: [{ startsAt: iso(-1), endsAt: iso(1), reason: 'sale', workloads: ['web'] }] },
    warned: /no planned change of web until/,
  },
];

function given({ node = {}, nodes = [aGpuNode(node)], group = {}, survey = {}, drain, policy, keep }: Row) {
  const { groups, ...rest } = survey;
  const base = aSurvey({ nodes, groups: [aGroup(group)], ...rest });
  const whole = groups === undefined ? base : { ...base, groups };
  return [whole, { policy: aDrainPolicy(drain, policy), request: keep ? {} : { remove: true } }] as const;
}

describe('judging the nodes of a drain', () => {
  for (const row of ROWS)
    it(`${row.refused === undefined ? 'allows' : 'refuses'} ${row.name}${row.keep ? '' : ', with removal'}`, () => {
      const reasons = reasonsOf(...given(row));
      if (row.refused !== undefined) return assert.match(reasons.join('\n'), row.refused);
      assert.deepEqual(reasons, []);
      const { warnings } = drainPlanOf(...given(row));
      return assert.match(warnings.join('\n'), row.warned ?? /^$/);
    });

  it('names the NodeClaim that is deleted, and says that this cannot be undone', () => {
    const row = { name: '', ...claimed({ claims: [aClaim(), aClaim({ name: 'other', providerId: null })] }) };
    const plan = drainPlanOf(...given(row));
    assert.deepEqual(
      plan.nodes.map(({ nodeClaim }) => nodeClaim),
      [{ name: 'gpu-a', uid: 'uid-gpu-a' }],
    );
    assert.match(plan.undo, /until the first NodeClaim is deleted .* after that there is no way back/);
    const kept = drainPlanOf(...given({ ...row, keep: true }));
    assert.deepEqual([kept.nodes[0]?.nodeClaim, /NodeClaim/.test(kept.undo)], [undefined, false]);
  });

  it('says everything at once: of nodes, groups and pods', () => {
    const survey = {
      ...aSurvey({
        nodes: [
          aGpuNode({ ready: false, labels: GROUP }),
          aGpuNode({ name: 'n2', taints: [taint('karpenter.sh/disrupted')] }),
        ],
        groups: [aGroup({ refreshing: true, live: { min: 4, max: 4, desired: 4 } })],
        pods: [aDrainPod({ owner: null })],
      }),
    };
    const nodes = [...survey.nodes, { name: 'n9', state: null }];
    const reasons = reasonsOf({ ...survey, nodes }, { request: { remove: true } });
    assert.deepEqual(
      [
        /no node n9/,
        /n1 is not ready/,
        /n2 is being removed/,
        /instance refresh/,
        /2 fewer/,
        /pod shop\/web-1 on n1: no controller/,
      ].filter((one) => !reasons.some((reason) => one.test(reason))),
      [],
    );
    assert.equal(reasons.length, 6);
  });

  it('knows when waiting may help: where nothing is wrong but nodes that are not ready', () => {
    const unready = aGpuNode({ ready: false, labels: GROUP });
    const decided = (more: Partial<Parameters<typeof aSurvey>[0]>) => {
      const decision = decideDrain(aSurvey({ nodes: [unready], groups: [aGroup()], ...more }));
      return decision.kind === 'refuse' ? decision.passing : assert.fail('not refused');
    };
    assert.equal(decided({}), true);
    assert.equal(decided({ pods: [aDrainPod({ owner: null })] }), false);
    const going = aGpuNode({ name: 'n2', taints: [taint('karpenter.sh/disrupted')] });
    assert.equal(decided({ nodes: [unready, going] }), false);
    assert.equal(decided({ nodes: [going] }), false);
  });

  it('knows our own cordon from a person’s', () => {
    const annotations = { 'headroom.dev/cordon': '{"owner":"drain-gpu-node.n1/r1","atMs":1}' };
    const [ours] = drainPlanOf(aSurvey({ nodes: [aGpuNode({ schedulable: false, annotations })] })).nodes;
    assert.deepEqual([ours?.wasCordoned, ours?.cordonedBy], [false, 'drain-gpu-node.n1/r1']);
    const [theirs] = drainPlanOf(aSurvey({ nodes: [aGpuNode({ schedulable: false })] })).nodes;
    assert.deepEqual([theirs?.wasCordoned, theirs?.cordonedBy], [true, null]);
  });
});
