import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Call } from '../../activities/ports.ts';
import { decideHold, type HoldDecision } from '../../domain/hold.ts';
import type { HoldFacts } from '../../domain/hold-targets.ts';
import { findGovernor, type Governor, type WorkloadRef } from '../../domain/workload.ts';
import { openRealCluster } from './real-cluster.ts';

const call: Call = { signal: new AbortController().signal, caller: 'field-managers/test' };
const ARGO = { manager: 'argocd-controller', force: false };

/** What docs/decisions/0008 says of server-side apply, on a real API server. */
describe('a held field that somebody else applies', () => {
  let cluster: Awaited<ReturnType<typeof openRealCluster>>;
  before(async () => {
    cluster = await openRealCluster();
  });
  after(() => cluster.close());

  const idOf = (ref: WorkloadRef) =>
    ({ kind: 'horizontalPodAutoscaler', namespace: ref.namespace, name: ref.object }) as const;
  const minReplicas = async (ref: WorkloadRef) => (await cluster.read(idOf(ref))).spec['minReplicas'];

  async function scaled(name: string): Promise<WorkloadRef> {
    const ref = await cluster.addWorkload({ name, replicas: 3 });
    await cluster.addAutoscaler({ ...idOf(ref), target: ref, floor: 3, ceiling: 20 });
    return ref;
  }
  async function governorOf(ref: WorkloadRef): Promise<Governor> {
    const governance = findGovernor(await cluster.port.readWorkload(ref, call));
    assert.equal(governance.kind, 'governed');
    return governance.governor;
  }
  async function decide(ref: WorkloadRef, of: Partial<HoldFacts> = {}): Promise<HoldDecision> {
    return decideHold({
      governor: await governorOf(ref),
      liveReplicas: 3,
      claims: [{ id: 'run/1', floor: 6, reason: 'the sale' }],
      generation: 1,
      skipSteps: false,
      policy: { limits: { min: 1, max: 50 }, windDown: { percent: 20, everyMs: 300_000 } },
      nowMs: Date.now(),
      ...of,
    });
  }
  async function hold(ref: WorkloadRef, of: Partial<HoldFacts> = {}): Promise<void> {
    const decision = await decide(ref, of);
    assert.equal(decision.kind, 'change');
    assert.equal(await cluster.port.changeGovernor(decision.change, call), 'written');
  }

  it('is a conflict that names headroom, and stays held, when they do not force it', async () => {
    const ref = await scaled('not-forced');
    await hold(ref);
    const { status, said } = await cluster.apply(idOf(ref), { minReplicas: 3 }, ARGO);
    assert.equal(status, 409);
    assert.match(said, /conflict with \\"headroom\\".*\.spec\.minReplicas/);
    assert.equal(await minReplicas(ref), 6);
  });

  it('is drift under their name when they force it: overruled, in the end contested, and theirs when the claims are gone', async () => {
    const ref = await scaled('forced');
    await hold(ref);
    assert.equal((await cluster.apply(idOf(ref), { minReplicas: 4 }, { ...ARGO, force: true })).status, 200);
    const overruling = await decide(ref, { generation: 2 });
    assert.equal(overruling.kind, 'change');
    const taken = { field: 'floor', found: 4, wanted: 6, by: 'argocd-controller', person: false };
    assert.deepEqual(overruling.standing.overruled, taken);
    const never = { overPersons: false, overControllers: false };
    const giving = await decide(ref, { generation: 2, reapply: never });
    assert.ok(giving.kind === 'change' || giving.kind === 'unchanged');
    assert.deepEqual(giving.standing.contested, taken);
    await hold(ref, { generation: 2 });
    assert.equal(await minReplicas(ref), 6);
    await cluster.apply(idOf(ref), { minReplicas: 5 }, { ...ARGO, force: true });
    const home = { claims: [], generation: 3, skipSteps: true };
    await hold(ref, home);
    assert.equal(await minReplicas(ref), 5, 'what they set is what the owner wants now');
  });

  it('is not ours to apply: forcing it and leaving it out again loses the value of before', async () => {
    const ref = await scaled('applied');
    const us = { manager: 'headroom-by-apply', force: true };
    assert.equal((await cluster.apply(idOf(ref), { minReplicas: 6 }, us)).status, 200);
    assert.equal(await minReplicas(ref), 6);
    assert.equal((await cluster.apply(idOf(ref), {}, us)).status, 200);
    assert.equal(await minReplicas(ref), 1, 'the default of the API, and not the 3 of its owner');
  });
});
