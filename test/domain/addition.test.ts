import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  additionIntent,
  outgrownAddition,
  planAddition,
  raisedSizes,
  type AdditionPlan,
  type AdditionRequest,
  type GroupSurvey,
} from '../../domain/addition.ts';
import { readAdditionRequest } from '../../domain/addition-request.ts';
import { ADDITION_POLICY, aSurvey } from './addition-builders.ts';

function decide(request: Partial<AdditionRequest>, survey: GroupSurvey | undefined, policy = ADDITION_POLICY) {
  return planAddition({
    request: { group: 'gpu-workers', count: 2, requestedBy: 'alice', ...request },
    policy,
    surveys: survey === undefined ? {} : { 'gpu-workers': survey },
  });
}
function planOf(...args: Parameters<typeof decide>): AdditionPlan {
  const decision = decide(...args);
  return decision.kind === 'plan' ? decision.plan : assert.fail(decision.reasons.join('; '));
}
function reasonsOf(...args: Parameters<typeof decide>): readonly string[] {
  const decision = decide(...args);
  return decision.kind === 'refuse' ? decision.reasons : assert.fail('it was planned');
}

describe('planning more GPU nodes', () => {
  it('is relative to what the Auto Scaling group has, not to what EKS has stored', () => {
    const plan = planOf(
      {},
      aSurvey({ live: { min: 1, max: 10, desired: 6 }, stored: { min: 1, max: 10, desired: 4 } }),
    );
    assert.deepEqual([plan.before.desired, plan.after], [6, { min: 1, max: 10, desired: 8 }]);
    assert.match(plan.warnings.join(), /EKS has 4 stored as desired and 6 are/);
  });
  it('tells that the minimum keeps new nodes beside Cluster Autoscaler, and orders none of it', () => {
    const { after, holdsMinimum, warnings } = planOf({}, aSurvey({}, true));
    assert.deepEqual([after.min, holdsMinimum], [1, true]);
    assert.match(warnings.join(), /Cluster Autoscaler is there/);
    assert.equal(planOf({}, aSurvey({}, false)).holdsMinimum, false);
  });
  it('warns once where it may not see whether Cluster Autoscaler is there, and names the right', () => {
    const unknown = { ...aSurvey(), clusterAutoscalerUnknown: true } as GroupSurvey;
    const { 'gpu-workers': group } = ADDITION_POLICY.nodeGroups;
    const decision = planAddition({
      request: { group: 'gpu-workers', count: 2, requestedBy: 'alice', orElse: ['spare'] },
      policy: { ...ADDITION_POLICY, nodeGroups: { 'gpu-workers': group, spare: group } as never },
      surveys: { 'gpu-workers': unknown, spare: unknown },
    });
    const { holdsMinimum, warnings } = decision.kind === 'plan' ? decision.plan : assert.fail();
    assert.deepEqual([holdsMinimum, warnings.length], [false, 1]);
    assert.match(warnings.join(), /the worker may not get ConfigMap kube-system\/cluster-autoscaler-status/);
    assert.deepEqual(planOf({}, aSurvey()).warnings, []);
  });
  it('tells what it costs, in all where it has an end', () => {
    const { costPerHour, costCeiling } = planOf({ forMs: 4 * 3_600_000 }, aSurvey());
    assert.deepEqual([costPerHour, costCeiling], [110.08, 440.32]);
    assert.equal(planOf({}, aSurvey()).costCeiling, null);
  });
  it('names both limits in one refusal, and how many would do', () => {
    const policy = {
      ...ADDITION_POLICY,
      nodeGroups: { 'gpu-workers': { limits: { min: 1, max: 5 }, instanceTypes: ['p5-48xlarge'] } },
    };
    const [reason = '', ...others] = reasonsOf({ count: 3 }, aSurvey({ live: { min: 1, max: 6, desired: 4 } }), policy);
    assert.deepEqual(others, []);
    assert.match(
      reason,
      /has 4 nodes, and 3 more would be 7: headroom.yaml allows 5.*Auto Scaling group allows 6.*at most 1 more/,
    );
  });
  for (const [name, request, survey, reason] of [
    ['an unknown group', { group: 'nope' }, undefined, /nope is not in headroom.yaml; known are gpu-workers/],
    [
      'a group that AWS does not know',
      {},
      { kind: 'missing', reason: 'node group gpu-workers is not there' },
      /is not there/,
    ],
    [
      'more than one run may add',
      { count: 21 },
      aSurvey({ live: { min: 0, max: 100, desired: 0 } }),
      /21 nodes are more than one run may add: at most 20/,
    ],
    ['a group that is being deleted', {}, aSurvey({ status: 'DELETING' }), /is DELETING; a group that is ACTIVE/],
    ['an instance refresh', {}, aSurvey({ refreshing: true }), /instance refresh/],
    [
      'an instance type without a GPU count',
      {},
      aSurvey({ instanceTypes: ['g6.xlarge'] }),
      /launches g6.xlarge, which headroom.yaml does not list for it/,
    ],
  ] as const)
    it(`refuses ${name}`, () => assert.match(reasonsOf(request, survey).join('; '), reason));

  it('never lowers a size, whatever the group has', () => {
    const size = fc.nat({ max: 200 });
    fc.assert(
      fc.property(size, size, size, fc.integer({ min: 1, max: 20 }), (min, desired, max, count) => {
        assert.deepEqual(raisedSizes({ min, max, desired }, count), { min, max, desired: desired + count });
      }),
    );
  });
});

describe('an approved addition', () => {
  const approved = additionIntent(planOf({}, aSurvey()));
  it('still covers the same group of the same size, or a smaller one', () => {
    assert.deepEqual(outgrownAddition(approved, approved), []);
    assert.deepEqual(
      outgrownAddition(approved, additionIntent(planOf({}, aSurvey({ live: { min: 1, max: 10, desired: 3 } })))),
      [],
    );
  });
  it('does not cover more nodes than were told, another group behind it, or a higher price', () => {
    const grown = additionIntent(
      planOf({}, aSurvey({ live: { min: 1, max: 10, desired: 5 }, autoScalingGroup: 'other' })),
    );
    const dear = { ...approved, ceilings: { ...approved.ceilings, costPerHour: 200 } };
    assert.match(
      outgrownAddition(approved, grown).join('; '),
      /another Auto Scaling group.*would have had 6 nodes and would have 7/,
    );
    assert.match(outgrownAddition(approved, dear).join('; '), /an hour cost 110.08 and costs 200/);
  });
});

describe('a request for more GPU nodes', () => {
  it('is taken as it is when it is whole', () => {
    const whole = { group: 'gpu-workers', count: 2, orElse: ['gpu-inference'], forMs: 3_600_000, requestedBy: 'alice' };
    assert.deepEqual(readAdditionRequest(whole), { request: whole, faults: [] });
  });
  it('names every fault at once', () => {
    const { faults } = readAdditionRequest({ group: '../x', count: 1.5, orElse: 'y', forMs: 1, requestedBy: ' ' });
    assert.deepEqual(
      faults.map((fault) => fault.split(' ')[0]),
      ['group', 'count', 'orElse', 'forMs', 'requestedBy'],
    );
  });
  it('names a group that is asked twice', () => {
    const { faults } = readAdditionRequest({ group: 'a', count: 1, orElse: ['b', 'a'], requestedBy: 'alice' });
    assert.deepEqual(faults, ['node group a is named twice; each is tried once']);
  });
  it('is never thrown at', () => {
    fc.assert(fc.property(fc.anything(), (input) => void readAdditionRequest(input)));
  });
});
