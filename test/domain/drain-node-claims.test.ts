import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BudgetFacts, DrainPod } from '../../domain/drain-pod.ts';
import type { NodeClaimState } from '../../domain/node-claim.ts';
import { aBudget, aClaim, aDrainPod, aDrainPolicy, aGpuNode, aSurvey, drainPlanOf } from './drain-builders.ts';

const LABELS = { 'node.kubernetes.io/instance-type': 'p4d.24xlarge', 'karpenter.sh/nodepool': 'gpu' };
const KEEP = 'karpenter.sh/do-not-disrupt: "true"';
const NEVER = aBudget({ name: 'dcgm-pdb', rule: 'maxUnavailable 0', countsPods: false, desiredHealthy: 3 });

interface Row {
  readonly name: string;
  readonly pod?: Partial<DrainPod>;
  readonly budget?: BudgetFacts;
  readonly claim?: Partial<NodeClaimState>;
  readonly keep?: true;
  readonly blocked?: RegExp;
  readonly warned?: RegExp;
}

const ROWS: readonly Row[] = [
  { name: 'that nothing keeps' },
  {
    name: 'that asks not to be disrupted',
    pod: { optOut: KEEP },
    blocked: /wait for ever: it asks not.*do-not-disrupt/,
  },
  { name: 'whose budget never allows it', budget: NEVER, blocked: /its budget dcgm-pdb never allows an eviction/ },
  { name: 'whose budget allows nothing just now', budget: { ...NEVER, desiredHealthy: 2, allowed: 0 } },
  { name: 'that asks others', pod: { optOut: 'cluster-autoscaler.kubernetes.io/safe-to-evict: "false"' } },
  {
    name: 'that tolerates it, or of which that was not read',
    pod: { optOut: KEEP, karpenterDrains: undefined as never },
  },
  { name: 'on another node', pod: { optOut: KEEP, node: 'n9' } },
  { name: 'that goes already', pod: { optOut: KEEP, deletingSinceMs: 1 } },
  { name: 'that is over', pod: { optOut: KEEP, phase: 'Succeeded' } },
  { name: 'on a node that stays', pod: { optOut: KEEP }, keep: true },
  {
    name: 'for which Karpenter waits a while',
    pod: { optOut: KEEP },
    claim: { terminationGracePeriod: '24h' },
    warned: /shop\/dcgm holds Karpenter up until the terminationGracePeriod of 24h is over: it asks not/,
  },
];

describe('a pod of a DaemonSet that Karpenter drains', () => {
  for (const { name, pod, budget, claim, keep, blocked, warned } of ROWS)
    it(`${name} ${blocked === undefined ? 'is no blocker' : 'blocks'}`, () => {
      const daemon = aDrainPod({
        name: 'dcgm',
        owner: { kind: 'DaemonSet', name: 'dcgm', uid: 'uid-dcgm' },
        budgets: ['dcgm-pdb'],
        karpenterDrains: true,
        ...pod,
      });
      const nodeClaims = { kind: 'read', claims: [aClaim(claim)], deletable: true } as const;
      const survey = aSurvey({
        nodes: [aGpuNode({ labels: LABELS })],
        groups: [],
        nodeClaims,
        pods: [daemon],
        budgets: budget === undefined ? [] : [budget],
      });
      const { blockers, warnings } = drainPlanOf(survey, {
        request: { remove: keep !== true },
        policy: aDrainPolicy({ karpenter: 'remove' }),
      });
      const told = blockers.map(({ subject, why, allow }) => `${subject}: ${why}; ${allow}`);
      assert.equal(told.length, blocked === undefined ? 0 : 1, told.join('\n'));
      if (blocked !== undefined) assert.match(told.join('\n'), blocked);
      const held = warnings.filter((one) => one.includes('holds Karpenter up'));
      assert.equal(held.length, warned === undefined ? 0 : 1);
      if (warned !== undefined) assert.match(held.join('\n'), warned);
    });
});
