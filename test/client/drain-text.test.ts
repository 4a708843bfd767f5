import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { drainPlanText } from '../../client/drain-text.ts';
import { aClaim, aDrainPolicy, aGpuNode, aSurvey, drainPlanOf } from '../domain/drain-builders.ts';

const KARPENTER = { 'karpenter.sh/nodepool': 'gpu' };

/** The line of what becomes of these nodes in the end. */
function thenOf({
  labels,
  remove = true,
}: {
  readonly labels?: Readonly<Record<string, string>>;
  readonly remove?: boolean;
}) {
  const nodes = ['n1', 'n2'].map((name) => aGpuNode({ name, ...(labels !== undefined && { labels }) }));
  const claims = [aClaim(), aClaim({ name: 'gpu-b', nodeName: 'n2', providerId: 'aws:///us-east-1a/i-02' })];
  const survey = aSurvey({ nodes, nodeClaims: { kind: 'read', claims, deletable: true } });
  const plan = drainPlanOf(survey, { request: { remove }, policy: aDrainPolicy({ karpenter: 'remove' }) });
  return /^ {2}then +(.*)$/m.exec(drainPlanText(plan, 'abc'))?.[1];
}

describe('the plan of a drain', () => {
  it('says what becomes of the nodes in the end', () => {
    assert.equal(thenOf({}), 'exactly these instances are ended, and the group is smaller by 2');
    assert.equal(
      thenOf({ labels: KARPENTER }),
      'exactly NodeClaims gpu-a, gpu-b are deleted, and Karpenter ends their instances',
    );
    for (const labels of [KARPENTER, undefined])
      assert.match(
        thenOf({ ...(labels !== undefined && { labels }), remove: false }) ?? '',
        /^they stay cordoned for 4h/,
      );
  });
});
