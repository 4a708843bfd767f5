import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { eventually } from '../harness/eventually.ts';
import { openGpuLane, type GpuLane } from '../harness/gpu-lane.ts';
import { aDeployment, put } from '../harness/gpu-pods.ts';
import { drain, endOfDrain } from '../harness/gpu-runs.ts';
import { everyDeedIsSound } from '../harness/gpu-witness.ts';
import { reviveUntil } from '../harness/kill-sweep.ts';
import { boundaryText, readDeaths } from '../harness/mortal.ts';

const RUNS = 10;
/** Each has a cluster, a group and a worker of its own, and takes the next weather when it is through with one. */
const LANES = 3;
const NODES = 5;
const WITHIN_MS = 180_000;

const trouble = fc.constantFrom('calm', 'reset-before', 'reset-after', 'throttle', 'InternalFailure');
const weather = fc.record({
  place: fc.nat({ max: NODES - 1 }),
  /** What the terminate call meets, and what the next looks at AWS meet. */
  terminating: trouble,
  looking: trouble,
  looks: fc.integer({ min: 1, max: 4 }),
  /** Where the worker dies, once in each run. */
  dies: fc.option(
    fc.record({
      half: fc.constantFrom('before', 'after'),
      name: fc.constantFrom('takeTurn', 'cordonNode', 'evictPods', 'readTermination', 'terminateNode', 'awaitGone'),
    }),
    // a death costs a heartbeat timeout and two starts of a worker
    { freq: 2 },
  ),
  others: fc.constantFrom('nothing', 'order one more', 'drain another'),
});
type Weather = typeof weather extends fc.Arbitrary<infer T> ? T : never;

const inService = ({ cloud, group }: GpuLane) =>
  cloud.core.fleet.instances(cloud.core.nodeGroups.find(group)).filter(({ lifecycle }) => lifecycle === 'InService');

/** The group as it was for the first one, whatever the weather before has left of it. */
async function anew(gpu: GpuLane): Promise<void> {
  gpu.cloud.order({ do: 'clear' });
  gpu.cloud.order({ do: 'desired', group: gpu.group, nodes: NODES });
  await eventually(
    'there are as many whole nodes as in the beginning',
    async () => {
      const whole = inService(gpu).filter(({ node }) => node === 'whole').length;
      const all = gpu.nodes();
      const free = await Promise.all(
        all.map(async (name) => (await gpu.node(name)) !== undefined && gpu.isSchedulable(name)),
      );
      return whole === NODES && all.length === NODES && free.every(Boolean);
    },
    { withinMs: 60_000 },
  );
  await gpu.cloud.settled();
}

type Alive = Omit<Weather, 'dies'>;

async function live(gpu: GpuLane, { place, terminating, looking, looks, others }: Alive): Promise<void> {
  await anew(gpu);
  const nodes = gpu.nodes();
  const named = [nodes[place] ?? '', ...(others === 'drain another' ? [nodes[(place + 1) % NODES] ?? ''] : [])];
  const [before, instances] = [gpu.instances(), named.map(gpu.instanceOf)];
  const fail = (operation: string, what: string, times: number) =>
    what !== 'calm' && gpu.cloud.order({ do: 'fail', operation, what, times });
  fail('TerminateInstance', terminating, 1);
  fail('Describe', looking, looks);
  await Promise.all(named.map((node) => drain(gpu, node, '--remove')));
  let ordered = 0;
  if (others === 'order one more') {
    await eventually('it is cordoned', async () => !(await gpu.isSchedulable(named[0] ?? '')), { withinMs: 60_000 });
    ordered = 1;
    gpu.cloud.order({ do: 'desired', group: gpu.group, nodes: gpu.sizes().desired + ordered });
  }
  for (const node of named) {
    const { outcome, reasons, lost } = await endOfDrain(gpu, node, WITHIN_MS);
    assert.deepEqual([outcome, reasons, lost], ['removed', [], []]);
  }
  const left = gpu.instances();
  assert.deepEqual(
    before.filter((id) => !left.includes(id)).toSorted(),
    instances.toSorted(),
    'exactly the instances that were named',
  );
  assert.equal(gpu.sizes().desired, NODES + ordered - named.length);
}

/** With a worker that dies where the weather says so. */
async function weathered(gpu: GpuLane, index: number, { dies, ...rest }: Weather): Promise<void> {
  await gpu.lane.killWorker();
  if (dies === null) {
    await gpu.lane.startWorker();
    return live(gpu, rest);
  }
  const env = { KILL_EACH: boundaryText(dies), KILL_MARK: join(gpu.lane.directory, `deaths-${index}`) };
  const over = new AbortController();
  const reviving = reviveUntil(over.signal, gpu.lane, env);
  try {
    await Promise.race([reviving, live(gpu, rest)]);
  } finally {
    over.abort();
    await gpu.lane.killWorker();
    await reviving;
  }
  assert.ok(readDeaths(env.KILL_MARK).length > 0, 'nobody died');
}

describe(`removals on real servers, in ${RUNS} weathers`, () => {
  it('end the instances that were named and no other, and make the group smaller once for each', async (t: TestContext) => {
    const seed = Number(process.env['HEADROOM_SEED'] ?? randomInt(2 ** 31));
    t.diagnostic(`HEADROOM_SEED=${seed} brings the same weathers again`);
    const weathers = fc.sample(weather, { numRuns: RUNS, seed });
    let next = 0;
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        const gpu = await openGpuLane({
          sizes: { min: 1, max: NODES + 1, desired: NODES },
          policy: { drain: { evictionDeadline: '10m', goneWithin: '10m' } },
        });
        try {
          await put(gpu, aDeployment(gpu, 'web', { replicas: NODES }));
          for (let one = next++; one < RUNS; one = next++) {
            const now = weathers[one] ?? assert.fail('no weather');
            await weathered(gpu, one, now).catch((error: unknown) => {
              throw new Error(`seed ${seed}, weather ${one}: ${JSON.stringify(now)}`, { cause: error });
            });
          }
          await everyDeedIsSound(gpu);
        } finally {
          await gpu.close();
        }
      }),
    );
  });
});
