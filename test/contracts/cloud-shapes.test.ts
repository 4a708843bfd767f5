import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AutoScaling } from '@aws-sdk/client-auto-scaling';
import { EKS } from '@aws-sdk/client-eks';
import { readAutoScalingRequest } from '../../sandbox/cloud/auto-scaling-api.ts';
import { readEksRequest } from '../../sandbox/cloud/eks-api.ts';
import { OPERATOR_KEY, REGION } from '../../sandbox/cloud/keys.ts';
import { aCloud } from '../harness/cloud.ts';
import { eventually } from '../harness/eventually.ts';
import { shapeOf } from '../harness/shapes.ts';

/** Where a value stands; its type is another matter on the wire than in the SDK. */
const places = (answer: object): readonly string[] =>
  shapeOf(answer)
    .map((field) => field.split(': ')[0] ?? '')
    .toSorted();

describe('what the stand-in for AWS says', () => {
  it('is read by the SDK to the last field, which drops in silence what it does not know', async (t) => {
    const cloud = await aCloud();
    t.after(() => cloud.stop());
    const settings = { endpoint: cloud.url, region: REGION, credentials: OPERATOR_KEY };
    const [eks, autoScaling] = [new EKS(settings), new AutoScaling(settings)];
    const { autoScalingGroup: group } = await cloud.port.readNodeGroup('gpu-workers', {
      signal: new AbortController().signal,
      caller: 'shapes',
    });
    const named = { clusterName: 'prod', nodegroupName: 'gpu-workers' };
    cloud.order({ do: 'capacity', group: 'gpu-workers', nodes: 0 });
    cloud.order({ do: 'refresh', group: 'gpu-workers', refreshing: true });
    cloud.order({ do: 'suspend', group: 'gpu-workers', process: 'AZRebalance' });
    cloud.order({ do: 'desired', group: 'gpu-workers', nodes: 5 });
    cloud.order({ do: 'desired', group: 'gpu-workers', nodes: 4 });
    cloud.order({ do: 'fail-update', group: 'gpu-workers', errorCode: 'AccessDenied', errorMessage: 'no' });
    const { update } = await eks.updateNodegroupConfig({ ...named, scalingConfig: { desiredSize: 5 } });
    const ofUpdate = { name: 'prod', nodegroupName: 'gpu-workers', updateId: update?.id ?? '' };
    await eventually('it has failed', async () => (await eks.describeUpdate(ofUpdate)).update?.status === 'Failed');
    cloud.order({ do: 'desired', group: 'gpu-workers', nodes: 5 });

    const eksSays = (path: string, query = '') => {
      const call = { method: 'GET', path, query: new URLSearchParams(query), body: '' };
      return readEksRequest(cloud.core, call).perform(Date.now()) ?? {};
    };
    const autoScalingSays = (form: Readonly<Record<string, string>>) =>
      readAutoScalingRequest(cloud.core, String(new URLSearchParams(form))).perform(Date.now()) ?? {};
    const byGroup = { AutoScalingGroupName: group };
    const pairs: readonly (readonly [said: object, read: object])[] = [
      [eksSays('/clusters/prod/node-groups/gpu-workers'), await eks.describeNodegroup(named)],
      [
        eksSays(`/clusters/prod/updates/${update?.id}`, 'nodegroupName=gpu-workers'),
        await eks.describeUpdate(ofUpdate),
      ],
      [autoScalingSays({ Action: 'DescribeAutoScalingGroups' }), await autoScaling.describeAutoScalingGroups({})],
      [autoScalingSays({ Action: 'DescribeAutoScalingInstances' }), await autoScaling.describeAutoScalingInstances({})],
      [
        autoScalingSays({ Action: 'DescribeScalingActivities', ...byGroup }),
        await autoScaling.describeScalingActivities(byGroup),
      ],
      [
        autoScalingSays({ Action: 'DescribeInstanceRefreshes', ...byGroup }),
        await autoScaling.describeInstanceRefreshes(byGroup),
      ],
    ];
    for (const [said, read] of pairs) {
      assert.ok(places(said).length > 2);
      assert.deepEqual(places(read), places(said));
    }
    // nothing was left out because there was none of it
    const all = pairs.flatMap(([said]) => places(said));
    for (const place of ['nodegroup.health.issues[].code', 'update.errors[].errorCode', 'Activities[].StatusMessage'])
      assert.ok(all.includes(place), place);
  });
});
