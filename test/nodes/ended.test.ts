import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { additionId, drainId, nodeGroupTurnsId } from '../../domain/names.ts';
import { turnsQuery } from '../../workflows/messages.ts';
import { runOf, seenBy } from '../harness/audit.ts';
import { eventually } from '../harness/eventually.ts';
import { inGpuLane, untilEnded, untilIn, type GpuLane, type GpuLaneOptions } from '../harness/gpu-lane.ts';
import { aJob, closedBudget, finishJob, podsOn, put } from '../harness/gpu-pods.ts';
import { drain, endOfDrain, firstNode, lend } from '../harness/gpu-runs.ts';

const TERMINATE = 'TerminateInstanceInAutoScalingGroup';
const SET_DESIRED = 'SetDesiredCapacity';
const PATIENT = { evictionDeadline: '10m', waitForJobs: '10m', goneWithin: '2m' };
/** Longer than a new worker takes to look after what is left. */
const GOING_MS = 20_000;

type How = 'cancelled' | 'terminated';

/** A run in one of its phases, in which it is ended. */
interface Phase {
  readonly options?: GpuLaneOptions;
  /** Brings a run there; answers with its id. */
  readonly reach: (gpu: GpuLane) => Promise<string>;
  /** What the world does only then, and a cancelled run may wait for. */
  readonly meanwhile?: (gpu: GpuLane, run: string, how: How) => Promise<void>;
  /** What there is when everybody has done what is to do. */
  readonly remains: (gpu: GpuLane, how: How) => Promise<void>;
}

const training = async (gpu: GpuLane, node: string): Promise<void> => {
  await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
  await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1);
};

/** Nobody has lost anything, and the next run can have the group. */
async function allIsAsBefore(gpu: GpuLane): Promise<void> {
  for (const node of gpu.nodes()) await eventually(`${node} is schedulable`, () => gpu.isSchedulable(node));
  assert.deepEqual([gpu.instances().length, gpu.sizes().desired, gpu.cloud.callsOf(TERMINATE).length], [4, 4, 0]);
  await groupIsFree(gpu);
}

async function groupIsFree({ lane, group }: GpuLane): Promise<void> {
  const queue = lane.temporal.workflow.getHandle(nodeGroupTurnsId(group));
  await eventually('nobody has the group', async () => (await queue.query(turnsQuery)).length === 0);
}

const REMOVALS: Readonly<Record<string, Phase>> = {
  'waiting for its turn': {
    options: { policy: { drain: PATIENT } },
    async reach(gpu) {
      const [one = '', other = ''] = gpu.nodes();
      await training(gpu, one);
      await drain(gpu, one, '--remove');
      await untilIn(gpu, drainId([one]), 'waiting for jobs');
      await drain(gpu, other, '--remove');
      await untilIn(gpu, drainId([other]), 'waiting for its turn');
      return drainId([other]);
    },
    async remains(gpu) {
      const [one = '', other = ''] = gpu.nodes();
      assert.deepEqual([await gpu.isSchedulable(other), await gpu.isSchedulable(one)], [true, false]);
      assert.deepEqual(seenBy(other).filter(isWriteOf(drainId([other]))), [], 'it has not touched its node');
      await gpu.lane.headroom('cancel', drainId([one]), '--as', 'bob');
      await allIsAsBefore(gpu);
    },
  },

  'waiting for approval': {
    options: { policy: { approval: { drainGpuNode: 'always', expiresAfter: '5m' } } },
    async reach(gpu) {
      const node = firstNode(gpu);
      await drain(gpu, node, '--remove');
      await untilIn(gpu, drainId([node]), 'waiting for approval');
      return drainId([node]);
    },
    remains: allIsAsBefore,
  },

  'waiting for jobs': {
    options: {
      policy: { drain: { ...PATIENT, waitForJobs: '1s', checkpointWithin: '10m', allowUnplacedGpuPods: true } },
    },
    async reach(gpu) {
      const node = firstNode(gpu);
      await training(gpu, node);
      await drain(gpu, node, '--remove');
      await eventually('it is asked for a checkpoint', async () => (await checkpointOf(gpu)) === 'requested');
      return drainId([node]);
    },
    async remains(gpu, how) {
      await allIsAsBefore(gpu);
      const pods = await podsOn(gpu, firstNode(gpu));
      assert.deepEqual([pods.length, pods[0]?.metadata.deletionTimestamp], [1, undefined]);
      assert.equal(await checkpointOf(gpu), how === 'cancelled' ? undefined : 'requested');
    },
  },

  draining: {
    options: { policy: { drain: PATIENT } },
    async reach(gpu) {
      const node = firstNode(gpu);
      const held = await closedBudget(gpu, 'web', node);
      await drain(gpu, node, '--remove');
      await untilIn(gpu, drainId([node]), 'draining');
      await eventually('the other one has gone', async () => {
        const pods = await podsOn(gpu, node);
        return pods.length === 1 && pods[0]?.metadata.name === held;
      });
      return drainId([node]);
    },
    async remains(gpu) {
      await allIsAsBefore(gpu);
      // its successor, too, has come to the node that is schedulable again
      await eventually('both run there', async () => (await podsOn(gpu, firstNode(gpu))).length === 2);
    },
  },

  removing: {
    options: { timings: { terminateMs: GOING_MS }, policy: { drain: PATIENT } },
    async reach(gpu) {
      const [one = '', other = ''] = gpu.nodes();
      await drain(gpu, one, other, '--remove');
      await eventually('there is no way back', async () => gpu.cloud.callsOf(TERMINATE)[0]?.outcome === 'done', {
        withinMs: 30_000,
      });
      return drainId([one, other]);
    },
    async remains(gpu, how) {
      if (how === 'terminated') await isLeftCordoned(gpu, firstNode(gpu));
      for (const node of gpu.nodes()) await eventually(`${node} is given back`, () => gpu.isSchedulable(node));
      assert.deepEqual([gpu.instances().length, gpu.sizes().desired, gpu.cloud.callsOf(TERMINATE).length], [3, 3, 1]);
      await groupIsFree(gpu);
    },
  },
};

/** The sweep has looked at its instance, which goes, and has written nothing. */
async function isLeftCordoned(gpu: GpuLane, node: string): Promise<void> {
  const instance = gpu.instanceOf(node);
  await eventually('the sweep has looked at its instance', async () =>
    gpu.cloud
      .callsOf('DescribeAutoScalingInstances')
      .some(({ caller, body }) => caller.startsWith('sweep/') && body.includes(instance)),
  );
  await eventually('the node has gone with its instance', async () => (await gpu.node(node)) === undefined, {
    withinMs: GOING_MS + 10_000,
  });
  assert.deepEqual(seenBy(node).filter(isWriteOf('sweep')), []);
}

const isWriteOf = (run: string) => (seen: ReturnType<typeof seenBy>[number]) =>
  seen.verb === 'patch' && seen.objectRef.resource === 'nodes' && runOf(seen)?.startsWith(`${run}/`) === true;

const checkpointOf = async (gpu: GpuLane) =>
  (await podsOn(gpu, firstNode(gpu)))[0]?.metadata.annotations?.['headroom.dev/checkpoint'];

const lentNodes = new WeakMap<GpuLane, string>();
const lentNode = (gpu: GpuLane): string => lentNodes.get(gpu) ?? assert.fail('nothing was lent');

async function reachLoan(gpu: GpuLane): Promise<string> {
  lentNodes.set(gpu, (await lend(gpu)).node);
  return additionId(gpu.group);
}

/** What was lent is there, and nobody is about to remove it. */
async function loanStays(gpu: GpuLane): Promise<void> {
  await groupIsFree(gpu);
  await sleep(3_000);
  assert.deepEqual([gpu.instances().length, gpu.sizes().desired, gpu.cloud.callsOf(TERMINATE).length], [5, 5, 0]);
  assert.equal(await gpu.isSchedulable(lentNode(gpu)), true);
}

const ADDITIONS: Readonly<Record<string, Phase>> = {
  'taking back': {
    options: { policy: { addGpuNodes: { whenUnmet: 'takeBack' } } },
    async reach(gpu) {
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: 0 });
      gpu.cloud.order({ do: 'fail', operation: SET_DESIRED, what: 'ServiceUnavailable', times: 1_000 });
      await gpu.lane.headroom('add-nodes', gpu.group, '--count', '2');
      await untilIn(gpu, additionId(gpu.group), 'taking back');
      await eventually('AWS does not take it', async () => gpu.cloud.callsOf(SET_DESIRED).length > 0);
      return additionId(gpu.group);
    },
    async meanwhile(gpu, run, how) {
      const tried = gpu.cloud.callsOf(SET_DESIRED).length;
      const again = { withinMs: 30_000 };
      await eventually('it is tried again', async () => gpu.cloud.callsOf(SET_DESIRED).length > tried, again);
      if (how === 'cancelled') assert.equal((await gpu.lane.status(run)).state, 'RUNNING');
      assert.equal(gpu.sizes().desired, 6);
      gpu.cloud.order({ do: 'clear' });
    },
    async remains(gpu) {
      await eventually('it is taken back', async () => gpu.sizes().desired === 4, { withinMs: 40_000 });
      await allIsAsBefore(gpu);
    },
  },

  'holding of a loan': { reach: reachLoan, remains: loanStays },

  'giving back of a loan': {
    options: { policy: { drain: PATIENT } },
    async reach(gpu) {
      const run = await reachLoan(gpu);
      const node = lentNode(gpu);
      await training(gpu, node);
      assert.equal((await gpu.lane.headroom('end', run, '--as', 'bob')).code, 0);
      await untilIn(gpu, run, 'giving back');
      await untilIn(gpu, drainId([node]), 'waiting for jobs');
      return run;
    },
    async remains(gpu, how) {
      const node = lentNode(gpu);
      if (how === 'cancelled') {
        assert.equal(await untilEnded(gpu, drainId([node])), 'CANCELLED');
        await loanStays(gpu);
        assert.equal((await podsOn(gpu, node)).length, 1);
        return;
      }
      assert.equal((await gpu.lane.status(drainId([node]))).state, 'RUNNING');
      await finishJob(gpu, 'train');
      assert.equal((await endOfDrain(gpu, node)).outcome, 'removed');
      assert.deepEqual([gpu.instances().length, gpu.sizes().desired, gpu.cloud.callsOf(TERMINATE).length], [4, 4, 1]);
    },
  },
};

const STATES = { cancelled: 'CANCELLED', terminated: 'TERMINATED' } as const;

for (const [what, phases] of Object.entries({ removal: REMOVALS, addition: ADDITIONS }))
  describe(`what remains of the ${what} that is ended`, { concurrency: 3 }, () => {
    for (const [phase, { options = {}, reach, meanwhile, remains }] of Object.entries(phases))
      for (const how of ['cancelled', 'terminated'] as const)
        it(`${how} while it is ${phase}`, () =>
          inGpuLane(options, async (gpu) => {
            const run = await reach(gpu);
            const handle = gpu.lane.temporal.workflow.getHandle(run);
            await (how === 'cancelled' ? handle.cancel() : handle.terminate('on purpose'));
            await meanwhile?.(gpu, run, how);
            assert.equal(await untilEnded(gpu, run), STATES[how]);
            // a new worker looks at once after what a terminated run has left
            if (how === 'terminated') await gpu.lane.killWorker().then(() => gpu.lane.startWorker());
            await remains(gpu, how);
          }));
  });
