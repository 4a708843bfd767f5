import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Worker } from '@temporalio/worker';
import { untilEnded, untilFailed } from '../../worker/ending.ts';

const aWorker = () => {
  let state: ReturnType<Worker['getState']> = 'RUNNING';
  return { getState: () => state, become: (next: typeof state) => void (state = next) };
};

describe('the end of a worker process', () => {
  it('is noticed when one of its workers has failed, and not while they run or stop', async () => {
    const workers = [aWorker(), aWorker()];
    let isOver = false;
    const failed = untilFailed(workers, { lookEveryMs: 1, signal: new AbortController().signal }).finally(
      () => (isOver = true),
    );
    const told = assert.rejects(failed, /a Temporal worker has failed/);
    for (const state of ['RUNNING', 'STOPPING', 'DRAINING', 'STOPPED'] as const) {
      workers[0]?.become(state);
      await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(isOver, false, state);
    }
    workers[1]?.become('FAILED');
    await told;
  });

  it('is looked out for no longer when it was told to stop', async () => {
    const ending = new AbortController();
    const failed = untilFailed([aWorker()], { lookEveryMs: 60_000, signal: ending.signal });
    ending.abort();
    await failed;
  });

  it('waits until each has stopped or failed, and not for ever', async () => {
    const workers = [aWorker(), aWorker()];
    let isOver = false;
    const ended = untilEnded(workers, { lookEveryMs: 1, withinMs: 60_000 }).then(() => (isOver = true));
    workers[0]?.become('FAILED');
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(isOver, false);
    workers[1]?.become('STOPPED');
    await ended;
    await untilEnded([aWorker()], { lookEveryMs: 1, withinMs: 5 });
  });
});
