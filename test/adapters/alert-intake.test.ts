import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client } from '@temporalio/client';
import { createAlertIntake } from '../../adapters/alert-intake.ts';
import type { AlertNotice, AlertRoute, Disposition } from '../../domain/alerts.ts';
import type { AlertsAnswer } from '../../workflows/messages.ts';

const notice: AlertNotice = { key: 'c0ffee@2026-11-27T09:00:00.000Z', name: 'Cpu', status: 'firing', startsAtMs: 0 };
const route: AlertRoute = { procedure: 'stepScale', workload: 'web', rule: 'Cpu', starts: true };

interface Payloads {
  readonly payloads: readonly { readonly data: Uint8Array }[];
}
interface Sent {
  readonly operations: readonly [
    { readonly startWorkflow: Readonly<Record<string, unknown>> & { readonly input: Payloads } },
    {
      readonly updateWorkflow: {
        readonly request: { readonly meta: { updateId: string }; readonly input: { name: string; args: Payloads } };
      };
    },
  ];
}

/** Temporal's client over a service that takes an update and answers it at once, and what it was sent. */
function aTemporal(dispositions: readonly Disposition[], answers: AlertsAnswer[] = []) {
  const sent: Sent[] = [];
  const deadlines: number[] = [];
  const payload = () => ({
    metadata: { encoding: Buffer.from('json/plain') },
    data: Buffer.from(JSON.stringify(answers.shift() ?? { kind: 'taken', dispositions })),
  });
  const workflowExecution = { workflowId: 'w', runId: 'r' };
  const workflowService = {
    async executeMultiOperation(request: Sent) {
      sent.push(request);
      const updateWorkflow = {
        updateRef: { workflowExecution },
        stage: 3,
        outcome: { success: { payloads: [payload()] } },
      };
      return { responses: [{ startWorkflow: { runId: 'r' } }, { updateWorkflow }] };
    },
    async updateWorkflowExecution() {
      throw Object.assign(new Error('5 NOT_FOUND'), { code: 5, details: 'no such run', metadata: { get: () => [] } });
    },
    async describeNamespace() {
      throw Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'down', metadata: {} });
    },
  };
  const connection = {
    workflowService,
    plugins: [],
    withDeadline: <T>(deadline: number, act: () => Promise<T>) => {
      deadlines.push(deadline);
      return act();
    },
    withAbortSignal: <T>(_: AbortSignal, act: () => Promise<T>) => act(),
  };
  return { client: new Client({ connection: connection as never }), sent, deadlines };
}

const read = ({ payloads: [first] }: Payloads): unknown => JSON.parse(Buffer.from(first?.data ?? []).toString());

describe('offering alerts to Temporal', () => {
  const signal = new AbortController().signal;

  it('starts the run of the workload or reaches it, and gives what it answers', async () => {
    const answer = [{ kind: 'joined', run: 'step-scale.web' }] as const;
    const { client, sent, deadlines } = aTemporal(answer);
    assert.deepEqual(await createAlertIntake(client).offer(route, [notice], signal), answer);
    const [{ startWorkflow }, { updateWorkflow }] = sent[0]?.operations ?? assert.fail();
    assert.deepEqual(
      [startWorkflow['workflowId'], startWorkflow['workflowType'], startWorkflow['taskQueue']],
      ['step-scale.web', { name: 'stepScale' }, { name: 'headroom-urgent', kind: 1 }],
    );
    assert.deepEqual(read(startWorkflow.input), { workload: 'web', requestedBy: 'alerts', trigger: 'alert Cpu' });
    assert.equal(updateWorkflow.request.input.name, 'alerts');
    assert.deepEqual(read(updateWorkflow.request.input.args), { notices: [notice] });
    assert.ok((deadlines[0] ?? 0) <= Date.now() + 2_000);
  });

  it('is another update each time, because the keys say what was told before', async () => {
    const { client, sent } = aTemporal([{ kind: 'started', run: 'r' }]);
    const intake = createAlertIntake(client);
    await intake.offer(route, [notice], signal);
    await intake.offer(route, [notice], signal);
    const ids = sent.map(({ operations: [, { updateWorkflow }] }) => updateWorkflow.request.meta.updateId);
    assert.equal(new Set(ids).size, 2);
  });

  it('has one run for an emergency of a workload, which goes first', async () => {
    const { client, sent } = aTemporal([{ kind: 'started', run: 'r' }]);
    await createAlertIntake(client).offer(
      { procedure: 'emergencyScaleUp', workload: 'web', rule: 'A', starts: true },
      [notice],
      signal,
    );
    const { workflowId, priority } = sent[0]?.operations[0].startWorkflow ?? assert.fail();
    assert.deepEqual(
      [workflowId, (priority as { readonly priorityKey: number }).priorityKey],
      ['emergency-scale-up.web', 1],
    );
  });

  it('offers once more what reached a run that ends just now', async () => {
    const answer = [{ kind: 'started', run: 'step-scale.web' }] as const;
    const { client, sent } = aTemporal(answer, [{ kind: 'over' }]);
    assert.deepEqual(await createAlertIntake(client).offer(route, [notice], signal), answer);
    assert.equal(sent.length, 2);
  });

  it('starts nothing for what is over, nor for what only takes back', async () => {
    const { client, sent } = aTemporal([]);
    const intake = createAlertIntake(client);
    const none = [{ kind: 'suppressed', by: 'no stepScale of web is under way' }];
    assert.deepEqual(await intake.offer(route, [{ ...notice, status: 'resolved' }], signal), none);
    assert.deepEqual(await intake.offer({ ...route, starts: false }, [notice], signal), none);
    assert.equal(sent.length, 0);
  });

  it('is not ready while Temporal does not answer', async () => {
    await assert.rejects(createAlertIntake(aTemporal([]).client).ready(signal));
  });
});
