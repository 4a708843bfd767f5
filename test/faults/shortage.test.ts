import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { openLane, type Lane, type LaneOptions } from '../harness/lane.ts';
import { endSale, RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

interface Shortage {
  readonly name: string;
  readonly options?: LaneOptions;
  readonly prepare?: (lane: Lane) => Promise<void>;
  readonly says: RegExp;
  /** How many are available when the deadline has passed. */
  readonly comes: number | undefined;
  /** The plan sees it coming. */
  readonly warns?: RegExp;
}

const shortages: readonly Shortage[] = [
  {
    name: 'a quota of four pods',
    prepare: async ({ admin, namespace }) => {
      await admin.core.createNamespacedResourceQuota({
        namespace,
        body: { metadata: { name: 'four-pods' }, spec: { hard: { pods: '4' } } },
      });
    },
    says: /exceeded quota: four-pods/,
    comes: 4,
    warns: /four-pods/,
  },
  {
    name: 'nodes with room for five pods',
    options: { roomFor: 5 },
    says: /Too many pods|nodes are available/,
    comes: 5,
    warns: /room for 2 of 3 more pods/,
  },
  {
    name: 'an image that cannot be pulled',
    prepare: async ({ admin }) => {
      await admin.patch('Deployment', 'tensafe-server', {
        spec: { template: { metadata: { annotations: { 'headroom.dev/sandbox-image-pull': 'fail' } } } },
      });
    },
    says: /ImagePullBackOff/,
    comes: undefined,
  },
];

describe('a pre-scale for which not everything comes', { concurrency: true }, () => {
  for (const { name, options = {}, prepare, says, comes, warns } of shortages) {
    it(`names ${name}, holds what came to the end of the event, and completes as short`, async () => {
      const lane = await openLane(options);
      try {
        const owners = await lane.snapshot();
        await eventually('three pods are available', async () => (await lane.available()) === 3);
        await prepare?.(lane);
        await lane.startWorker();
        await startSale(lane);
        await untilPhase(lane, 'holding');
        const { status } = await lane.status(RUN);
        assert.equal(status?.available?.kind, 'short');
        assert.match(status.available.reasons.join('\n'), says);
        if (warns !== undefined) assert.match(status.plan?.warnings.join('\n') ?? '', warns);
        if (comes !== undefined) assert.equal(await lane.available(), comes);

        await endSale(lane);
        assert.equal(await lane.floor(), 6, 'what was asked for is held to the end');
        await lane.headroom('skip', RUN);
        assert.equal(await untilClosed(lane), 'COMPLETED');
        const { result } = await lane.status(RUN);
        assert.equal(result?.outcome, 'short');
        assert.match(result.reasons.join('\n'), says);
        assert.equal((await lane.headroom('watch', RUN)).code, 1);
        await untilHome(lane, owners);
        await lane.record(`short-${comes ?? 'image'}`);
      } finally {
        await lane.close();
      }
    });
  }
});
