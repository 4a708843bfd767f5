import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client } from '@temporalio/client';
import { createRunPort } from '../../adapters/temporal.ts';

const CALL = { signal: new AbortController().signal, caller: 'test' };
const ID = 'pre-scale.web.sale';

const ZERO = { toNumber: () => 0 };
const INFO = {
  execution: { workflowId: ID, runId: 'r1' },
  type: { name: 'preScale' },
  status: 1,
  taskQueue: 'headroom',
  historyLength: ZERO,
  historySizeBytes: ZERO,
  startTime: { nanos: 0 },
};

/** Temporal's client over a service that knows one run, with this history, or fails. */
function aRunPort(history: () => Promise<unknown>) {
  const asked: unknown[] = [];
  const workflowService = {
    describeWorkflowExecution: async () => {
      await history();
      return { workflowExecutionInfo: INFO };
    },
    getWorkflowExecutionHistory: async ({ execution }: { readonly execution: unknown }) => {
      asked.push(execution);
      return { history: await history(), nextPageToken: new Uint8Array() };
    },
  };
  const pass = <T>(_: unknown, act: () => Promise<T>) => act();
  const connection = { workflowService, withDeadline: pass, withAbortSignal: pass, plugins: [] };
  return { asked, runs: createRunPort(new Client({ connection: connection as never })) };
}
const startedWith = (...payloads: readonly object[]) => ({
  events: [
    { workflowExecutionStartedEventAttributes: { input: { payloads } } },
    { workflowTaskScheduledEventAttributes: {} },
  ],
});
const payload = {
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from('{"workload":"web","requestedBy":"bob"}'),
};
const grpcError = (code: number) => async () => {
  throw Object.assign(new Error('of gRPC'), { code, details: 'of gRPC', metadata: { get: () => [] } });
};

describe('finding a run', () => {
  it('answers with the input of the newest one', async () => {
    const { runs, asked } = aRunPort(async () => startedWith(payload));
    assert.deepEqual(await runs.find(ID, CALL), { runId: 'r1', input: { workload: 'web', requestedBy: 'bob' } });
    assert.deepEqual(asked, [{ workflowId: ID, runId: 'r1' }]);
  });
  it('answers with nothing given where it was started with nothing', async () => {
    assert.deepEqual(await aRunPort(async () => startedWith()).runs.find(ID, CALL), { runId: 'r1', input: null });
  });
  it('knows that there is none', async () => {
    assert.equal(await aRunPort(grpcError(5)).runs.find(ID, CALL), null);
  });
  it('fails, to be tried again, while Temporal does not answer', async () => {
    await assert.rejects(aRunPort(grpcError(14)).runs.find(ID, CALL), {
      type: 'apiUnavailable',
      nonRetryable: false,
      message: /did not say how pre-scale\.web\.sale was started: of gRPC/,
    });
  });
});
