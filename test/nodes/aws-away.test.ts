import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { additionId } from '../../domain/names.ts';
import { eventually } from '../harness/eventually.ts';
import { inGpuLane, type GpuLane } from '../harness/gpu-lane.ts';
import { aDeployment, podsOn, put } from '../harness/gpu-pods.ts';
import { drain, endOfAddition, endOfDrain, firstNode } from '../harness/gpu-runs.ts';

const AWAY_MS = 10_000;
const WITHIN_MS = 120_000;
const TERMINATE = 'TerminateInstanceInAutoScalingGroup';
const ORDER = 'UpdateNodegroupConfig';

/** How AWS answers nothing useful, from its beginning to its end. */
const OUTAGES = {
  'refuses every connection': ({ cloud }: GpuLane) => cloud.away(AWAY_MS),
  'answers with errors of its own': (gpu: GpuLane) => failing(gpu, 'InternalFailure'),
  'turns every request away as too many': (gpu: GpuLane) => failing(gpu, 'throttle'),
};
type Outage = keyof typeof OUTAGES;

async function failing({ cloud }: GpuLane, what: string): Promise<void> {
  cloud.order({ do: 'fail', operation: '*', what, times: 1_000 });
  await sleep(AWAY_MS);
  cloud.order({ do: 'clear' });
}

const isCalled = ({ cloud }: GpuLane, operation: string, outcome?: string) =>
  eventually(
    `${operation} is asked for`,
    async () => cloud.callsOf(operation).some((call) => outcome === undefined || call.outcome === outcome),
    { everyMs: 10, withinMs: 60_000 },
  );

/** How many requests of AWS had an effect. */
const effects = ({ cloud }: GpuLane, operation: string): number =>
  cloud.callsOf(operation).filter(({ outcome }) => outcome === 'done' || outcome === 'reset-after').length;

interface Moment {
  readonly words: string;
  readonly outage: Outage;
  /** Until the outage begins. */
  readonly until: (gpu: GpuLane, node: string) => Promise<unknown>;
}

const REMOVALS: readonly Moment[] = [
  {
    words: 'while pods are evicted',
    outage: 'turns every request away as too many',
    until: async (gpu, node) => {
      await eventually('it is cordoned', async () => !(await gpu.isSchedulable(node)), { everyMs: 50 });
      assert.equal(effects(gpu, TERMINATE), 0);
    },
  },
  {
    words: 'after a termination that AWS has not heard',
    outage: 'refuses every connection',
    until: (gpu) => {
      gpu.cloud.order({ do: 'fail', operation: TERMINATE, what: 'reset-before', times: 1 });
      return isCalled(gpu, TERMINATE);
    },
  },
  {
    words: 'after a termination whose answer is lost',
    outage: 'answers with errors of its own',
    until: (gpu) => {
      gpu.cloud.order({ do: 'fail', operation: TERMINATE, what: 'reset-after', times: 1 });
      return isCalled(gpu, TERMINATE);
    },
  },
  {
    words: 'while the instance goes',
    outage: 'refuses every connection',
    until: (gpu) => isCalled(gpu, TERMINATE, 'done'),
  },
];
const ADDITIONS: readonly Moment[] = [
  {
    words: 'after an order whose answer is lost',
    outage: 'refuses every connection',
    until: (gpu) => {
      gpu.cloud.order({ do: 'fail', operation: ORDER, what: 'reset-after', times: 1 });
      return isCalled(gpu, ORDER);
    },
  },
  {
    words: 'while the node boots',
    outage: 'answers with errors of its own',
    until: (gpu) => isCalled(gpu, ORDER, 'done'),
  },
];

const POLICY = { drain: { evictionDeadline: '60s', goneWithin: '60s' }, addGpuNodes: { usableWithin: '60s' } };

describe('AWS is away for ten seconds', { concurrency: 3 }, () => {
  for (const { words, outage, until } of REMOVALS)
    it(`and ${outage}, ${words}: that instance goes, and no other`, () =>
      inGpuLane({ policy: POLICY }, async (gpu) => {
        const node = firstNode(gpu);
        const [before, instance] = [gpu.instances(), gpu.instanceOf(node)];
        await put(gpu, aDeployment(gpu, 'web', { replicas: 4 }));
        await eventually('pods run there', async () => (await podsOn(gpu, node)).length > 0);
        const outlived = until(gpu, node).then(() => OUTAGES[outage](gpu));
        await Promise.all([outlived, drain(gpu, node, '--remove')]);
        const { outcome, reasons, lost } = await endOfDrain(gpu, node, WITHIN_MS);
        assert.deepEqual([outcome, reasons, lost], ['removed', [], []]);
        assert.deepEqual(
          gpu.instances(),
          before.filter((id) => id !== instance),
        );
        assert.deepEqual([gpu.sizes().desired, effects(gpu, TERMINATE)], [3, 1]);
      }));

  for (const { words, outage, until } of ADDITIONS)
    it(`and ${outage}, ${words}: one comes`, () =>
      inGpuLane({ policy: POLICY, timings: { gpuMs: 2_000 } }, async (gpu) => {
        const run = additionId(gpu.group);
        const outlived = until(gpu, '').then(() => OUTAGES[outage](gpu));
        await Promise.all([outlived, gpu.lane.headroom('add-nodes', gpu.group, '--count', '1')]);
        const { outcome, nodes } = await endOfAddition(gpu, run, WITHIN_MS);
        assert.deepEqual([outcome, nodes.length], ['added', 1]);
        assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [5, 5]);
      }));
});
