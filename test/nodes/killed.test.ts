import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { additionId, drainId } from '../../domain/names.ts';
import { evictionsOf } from '../harness/audit.ts';
import { eventually } from '../harness/eventually.ts';
import { openGpuLane, untilEnded, type GpuLane } from '../harness/gpu-lane.ts';
import { everyDeedIsSound } from '../harness/gpu-witness.ts';
import { aDeployment, aJob, answerCheckpoint, podsOn, put } from '../harness/gpu-pods.ts';
import {
  addClaimedNode,
  claimOf,
  grantDeletion,
  installNodeClaims,
  playKarpenter,
  type ClaimedNode,
} from '../harness/karpenter.ts';
import { reviveUntil } from '../harness/kill-sweep.ts';
import { boundaryText, readDeaths, type Boundary } from '../harness/mortal.ts';

/** All but what a worker only reckons by itself. */
const REMOVAL = [
  'surveyDrain',
  'takeTurn',
  'cordonNode',
  'evictPods',
  'readTermination',
  'terminateNode',
  'awaitGone',
  'leaveTurn',
];
const ADDITION = ['surveyNodeGroups', 'takeTurn', 'orderNodes', 'awaitNodes', 'leaveTurn'];
/** Its last step, where the node is Karpenter's. */
const DELETION = ['surveyDrain', 'cordonNode', 'deleteNodeClaim', 'awaitClaimGone'];
/** With a job on the node, which leaves a checkpoint. */
const CHECKPOINT = ['awaitJobs', 'requestCheckpoints', 'withdrawCheckpoints'];
/** Of an order that AWS cannot meet. */
const TAKING_BACK = ['awaitNodes', 'takeBackNodes'];
/** Giving a node back, after an approval that did not come. */
const RETURN = ['cordonNode', 'uncordonNode', 'leaveTurn'];
/** A killed worker costs its activity's heartbeat timeout, and the new one needs seconds to start on a busy machine. */
const PATIENCE_MS = 60_000;

/** Deadlines go on while nobody works. */
const PATIENT = {
  drain: { evictionDeadline: '10m', goneWithin: '10m' },
  addGpuNodes: { usableWithin: '10m', every: '300ms' },
};

interface Killed {
  readonly activities: readonly string[];
  readonly half: Boundary['half'];
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Starts the run and answers with its id. */
  readonly start: (gpu: GpuLane) => Promise<string>;
}

/** A run whose worker dies at each of these boundaries once for each call; answers when it has ended, and everybody has died. */
async function killedAtEach(
  { activities, half, policy = {}, start }: Killed,
  see: (gpu: GpuLane, run: string) => Promise<void>,
) {
  const gpu = await openGpuLane({ policy: { ...PATIENT, ...policy } });
  const over = new AbortController();
  try {
    const boundaries = activities.map((name) => ({ half, name }));
    const mark = join(gpu.lane.directory, 'deaths');
    const env = { KILL_EACH: boundaries.map(boundaryText).join(','), KILL_MARK: mark };
    const reviving = reviveUntil(over.signal, gpu.lane, env);
    const run = await start(gpu);
    try {
      await Promise.race([reviving, untilEnded(gpu, run, activities.length * PATIENCE_MS)]);
    } finally {
      over.abort();
    }
    await see(gpu, run);
    await gpu.lane.killWorker();
    await reviving;
    const deaths = readDeaths(mark);
    assert.deepEqual(
      boundaries.map(boundaryText).filter((one) => !deaths.includes(one)),
      [],
      'nobody died there',
    );
    await everyDeedIsSound(gpu);
  } finally {
    over.abort();
    await gpu.close();
  }
}

/** Without a worker the command says so and leaves: the run is started all the same. */
const begin = (gpu: GpuLane, ...words: readonly string[]) => gpu.lane.headroom(...words, '--as', 'tester');
const before = new WeakMap<
  GpuLane,
  { readonly node: string; readonly instance: string; readonly all: readonly string[] }
>();

async function startRemoval(gpu: GpuLane): Promise<string> {
  const [node = ''] = gpu.nodes();
  before.set(gpu, { node, instance: gpu.instanceOf(node), all: gpu.instances() });
  await put(gpu, aDeployment(gpu, 'web', { replicas: 4 }));
  await eventually('pods run there', async () => (await podsOn(gpu, node)).length > 0, { withinMs: 60_000 });
  await begin(gpu, 'drain', node, '--remove');
  return drainId([node]);
}

/** The job that trains there answers when it is asked for a checkpoint. */
async function startBesideJob(gpu: GpuLane): Promise<string> {
  const [node = ''] = gpu.nodes();
  before.set(gpu, { node, instance: gpu.instanceOf(node), all: gpu.instances() });
  await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
  await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1, { withinMs: 60_000 });
  await begin(gpu, 'drain', node, '--remove');
  await answerCheckpoint(gpu, node, { withinMs: PATIENCE_MS });
  return drainId([node]);
}

/** Karpenter is played until the test is over. */
async function startDeletion({ lane, kube }: GpuLane, t: TestContext): Promise<ClaimedNode> {
  await installNodeClaims(kube);
  await grantDeletion(kube);
  const over = new AbortController();
  const named = await addClaimedNode(kube, `pool-${lane.namespace}`);
  const playing = playKarpenter(kube, named, { over: over.signal });
  t.after(async () => {
    over.abort();
    await playing.catch(() => undefined);
  });
  await lane.headroom('drain', named.node, '--remove', '--as', 'tester');
  return named;
}

for (const half of ['before', 'after'] as const)
  describe(`a worker that is killed ${half} the effect of every activity`, { concurrency: 2 }, () => {
    it('ends exactly the instance that was named, once', () =>
      killedAtEach({ activities: REMOVAL, half, start: startRemoval }, async (gpu, run) => {
        const { instance, all } = before.get(gpu) ?? assert.fail('not started');
        const result = await gpu.result(run);
        assert.equal(result?.outcome, 'removed', JSON.stringify(result));
        assert.deepEqual(
          gpu.instances(),
          all.filter((id) => id !== instance),
        );
        assert.equal(gpu.sizes().desired, 3);
        assert.equal(gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length, 1);
      }));

    it('interrupts a job once it has left its checkpoint', () =>
      killedAtEach(
        {
          activities: CHECKPOINT,
          half,
          policy: {
            drain: { ...PATIENT.drain, waitForJobs: '1s', checkpointWithin: '10m', allowUnplacedGpuPods: true },
          },
          start: startBesideJob,
        },
        async (gpu, run) => {
          const { instance, all } = before.get(gpu) ?? assert.fail('not started');
          const result = await gpu.result(run);
          assert.equal(result?.outcome, 'removed', JSON.stringify(result));
          assert.equal(evictionsOf(gpu, run).length, 1);
          assert.deepEqual(
            gpu.instances(),
            all.filter((id) => id !== instance),
          );
        },
      ));

    it('leaves nothing on order that AWS cannot give', () =>
      killedAtEach(
        {
          activities: TAKING_BACK,
          half,
          policy: { addGpuNodes: { ...PATIENT.addGpuNodes, whenUnmet: 'takeBack' } },
          async start(gpu) {
            gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: 1 });
            await begin(gpu, 'add-nodes', gpu.group, '--count', '2');
            return additionId(gpu.group);
          },
        },
        async (gpu, run) => {
          const result = await gpu.result(run);
          assert.equal(result?.outcome, 'partly added', JSON.stringify(result));
          assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [5, 5]);
        },
      ));

    it('deletes the NodeClaim that was named, once', async (t) => {
      let named: ClaimedNode | undefined;
      await killedAtEach(
        {
          activities: DELETION,
          half,
          policy: { drain: { ...PATIENT.drain, karpenter: 'remove' } },
          async start(gpu) {
            named = await startDeletion(gpu, t);
            return drainId([named.node]);
          },
        },
        async (gpu, run) => {
          const { node = '', claim = '' } = named ?? {};
          const result = await gpu.result(run);
          assert.equal(result?.outcome, 'removed', JSON.stringify(result));
          assert.deepEqual([await claimOf(gpu.kube, claim), await gpu.node(node)], [undefined, undefined]);
          assert.equal(gpu.instances().length, 4);
        },
      );
    });

    it('orders nodes once', () =>
      killedAtEach(
        {
          activities: ADDITION,
          half,
          async start(gpu) {
            await begin(gpu, 'add-nodes', gpu.group, '--count', '1');
            return additionId(gpu.group);
          },
        },
        async (gpu, run) => {
          const result = await gpu.result(run);
          assert.equal(result?.outcome, 'added', JSON.stringify(result));
          assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [5, 5]);
        },
      ));

    it('gives back what it has cordoned when nobody approves', () =>
      killedAtEach(
        {
          activities: RETURN,
          half,
          policy: { approval: { drainGpuNode: 'always', expiresAfter: '3s' } },
          async start(gpu) {
            const [node = ''] = gpu.nodes();
            await begin(gpu, 'drain', node, '--remove');
            return drainId([node]);
          },
        },
        async (gpu, run) => {
          assert.equal((await gpu.result(run))?.outcome, 'unapproved');
          assert.deepEqual(await Promise.all(gpu.nodes().map(gpu.isSchedulable)), [true, true, true, true]);
          assert.equal(gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length, 0);
        },
      ));
  });
