import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import * as fc from 'fast-check';
import { createNodeActivities } from '../../activities/nodes.ts';
import { FakeNodes } from '../fakes/nodes.ts';
import { anActivity } from '../harness/activity.ts';
import { aCloud, CALL, portTo, WORKERS } from '../harness/cloud.ts';
import { eventually } from '../harness/eventually.ts';

const RUNS = 200;
const TIMINGS = { launchMs: 5, joinMs: 1, gpuMs: 1, terminateMs: 20, retryMs: 20, updateMs: 5, rebalanceMs: 5 };

/** What happens to one attempt, and what others do before the next. */
const attempt = fc.record({
  weather: fc.constantFrom(
    'calm',
    'reset-before',
    'reset-after',
    'throttle',
    'InternalFailure',
    'ScalingActivityInProgress',
    'killed after',
  ),
  others: fc.constantFrom('nothing', 'order one more', 'refresh', 'nothing'),
});

describe(`the removal of one instance, in ${RUNS} weathers`, () => {
  it('ends that instance and no other, and makes the group smaller once', async () => {
    let removed = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 3 }), fc.array(attempt, { maxLength: 5 }), async (place, attempts) => {
        const cloud = await aCloud({ groups: [WORKERS], timings: TIMINGS });
        try {
          const port = portTo(cloud.url);
          const group = await port.readNodeGroup('gpu-workers', CALL);
          const all = group.instances.map(({ id }) => id);
          const named = all[place] ?? assert.fail('no such instance');
          const nodes = new FakeNodes();
          const identity = nodes.addNode('gpu-1', { schedulable: false, providerId: `aws:///us-east-1a/${named}` });
          const node = { ...identity, instanceId: named };
          const { terminateNode } = createNodeActivities({ nodes, evictions: nodes, cloud: port });
          const request = { node, group: 'gpu-workers', desiredBefore: group.live.desired };
          let ordered = 0;
          for (const [index, { weather, others }] of [...attempts, { weather: 'calm', others: 'nothing' }].entries()) {
            if (weather !== 'calm' && weather !== 'killed after')
              cloud.order({ do: 'fail', operation: 'Terminate', what: weather, times: 1 });
            const answer = await anActivity({ attempt: index + 1 })
              .act(() => terminateNode(request))
              .catch((error: unknown) => {
                // what the world does is never an end: the worker tries again
                assert.equal((error as ApplicationFailure).nonRetryable, false, String(error));
              });
            if (answer !== undefined && weather !== 'killed after') break;
            if (others === 'order one more' && ordered === 0) {
              ordered = 1;
              cloud.order({
                do: 'desired',
                group: 'gpu-workers',
                nodes: cloud.core.nodeGroups.find('gpu-workers').live.desired + 1,
              });
            }
            if (others === 'refresh') cloud.order({ do: 'refresh', group: 'gpu-workers', refreshing: index % 2 === 0 });
          }
          cloud.order({ do: 'clear' });
          cloud.order({ do: 'refresh', group: 'gpu-workers', refreshing: false });
          await eventually(
            'it is asked for at last, or known to go',
            () =>
              anActivity({ attempt: 9 })
                .act(() => terminateNode(request))
                .then(({ kind }) => kind !== 'refused'),
            { withinMs: 5_000, everyMs: 5 },
          );
          await eventually('it is gone', async () => !cloud.core.fleet.instances().some(({ id }) => id === named), {
            withinMs: 5_000,
            everyMs: 5,
          });
          const left = cloud.core.fleet.instances().map(({ id }) => id);
          assert.deepEqual(
            all.filter((id) => id !== named && !left.includes(id)),
            [],
            'an instance that nobody named',
          );
          assert.equal(cloud.core.nodeGroups.find('gpu-workers').live.desired, 3 + ordered);
          removed += 1;
        } finally {
          await cloud.stop();
        }
      }),
      { numRuns: RUNS },
    );
    assert.ok(removed >= RUNS);
  });
});
