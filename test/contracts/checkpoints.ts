import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Call, DrainFactsPort } from '../../activities/ports.ts';
import { isCheckpointed, type JobNow } from '../../domain/drain-checkpoint.ts';
import type { JobRef } from '../../domain/drain-pod.ts';

/** A job of two pods, and what a workload writes that has left its checkpoint. */
export interface CheckpointWorld {
  readonly port: DrainFactsPort;
  job(): Promise<JobRef>;
  answer(pod: string): Promise<void>;
}

const call: Call = { signal: new AbortController().signal, caller: 'checkpoints/test' };
const [OURS, OTHERS] = ['drain-gpu-node.n1/run-1', 'drain-gpu-node.n2/run-2'];

/** The handshake as it is on a cluster, and as the fake must play it. Each begins where the one before it ended. */
export function checkpointContract(open: () => CheckpointWorld): void {
  const now = async (): Promise<JobNow> => {
    const [job] = await open().port.readJobs([await open().job()], call);
    return job ?? assert.fail('no job');
  };
  const set = async (owner: string, ask: boolean) => {
    const { pods } = await now();
    return open().port.setCheckpoints(pods, { owner, ask }, call);
  };
  const states = async () => (await now()).pods.map(({ checkpoint }) => [checkpoint?.state, checkpoint?.owner]);

  it('asks every pod of the job, once', async () => {
    assert.equal((await now()).pods.length, 2);
    for (const _ of [1, 2]) assert.deepEqual(await set(OURS, true), { pods: 2 });
    assert.deepEqual(
      await states(),
      [1, 2].map(() => ['requested', OURS]),
    );
  });

  it('is answered when the last pod has answered, and a second request leaves the answers', async () => {
    const [first, second] = (await now()).pods;
    await open().answer(first?.name ?? '');
    assert.equal(isCheckpointed(await now(), OURS), false);
    await open().answer(second?.name ?? '');
    await set(OURS, true);
    assert.equal(isCheckpointed(await now(), OURS), true);
    assert.equal(isCheckpointed(await now(), OTHERS), false);
  });

  it('is taken back by who asked, and by nobody else', async () => {
    await set(OTHERS, false);
    assert.deepEqual(
      await states(),
      [1, 2].map(() => ['done', OURS]),
    );
    for (const _ of [1, 2]) await set(OURS, false);
    assert.deepEqual(
      await states(),
      [1, 2].map(() => [undefined, undefined]),
    );
  });

  it('takes the answer to an earlier run for none', async () => {
    await set(OTHERS, true);
    for (const { name } of (await now()).pods) await open().answer(name);
    await set(OURS, true);
    assert.deepEqual(
      await states(),
      [1, 2].map(() => ['requested', OURS]),
    );
    await set(OURS, false);
  });

  it('knows a job that is gone by its having no pods', async () => {
    const gone = { ...(await open().job()), name: 'gone', uid: '11111111-1111-1111-1111-111111111111' };
    assert.deepEqual(await open().port.readJobs([gone], call), [{ ...gone, pods: [] }]);
  });

  it('writes nothing on a pod of the same name that is another', async () => {
    const [pod] = (await now()).pods;
    assert.ok(pod !== undefined);
    const other = { ...pod, uid: '11111111-1111-1111-1111-111111111111' };
    assert.deepEqual(await open().port.setCheckpoints([other], { owner: OURS, ask: true }, call), { pods: 0 });
    assert.deepEqual(
      await states(),
      [1, 2].map(() => [undefined, undefined]),
    );
  });
}
