import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { BudgetFacts, DrainJob, DrainPod } from '../../domain/drain-pod.ts';
import type { DrainPolicy } from '../../domain/drain-policy.ts';
import { judgePod, type DrainScene } from '../../domain/drain-verdict.ts';
import { aBudget, aDrainPod, aDrainPolicy, aJob, aJobPod, HOUR_MS, NOW_MS } from './drain-builders.ts';

interface Row {
  readonly name: string;
  readonly pod: DrainPod;
  readonly drain?: Partial<DrainPolicy>;
  readonly budgets?: readonly BudgetFacts[];
  readonly jobs?: readonly DrainJob[];
  readonly interrupt?: readonly string[];
  readonly kind: 'leave' | 'going' | 'evict' | 'wait' | 'block';
  readonly says?: RegExp;
  readonly allow?: RegExp;
}

const DAEMON = { kind: 'DaemonSet', name: 'dcgm', uid: 'uid-dcgm' };
const held = { budgets: ['web-pdb'] };
const NEVER = aBudget({ allowed: 0, desiredHealthy: 3, rule: 'minAvailable 3' });

const ROWS: readonly Row[] = [
  { name: 'a pod of a Deployment', pod: aDrainPod(), kind: 'evict' },
  { name: 'a pod that is being deleted', pod: aDrainPod({ deletingSinceMs: 1, owner: null }), kind: 'going' },
  {
    name: 'a pod of a DaemonSet that is being deleted',
    pod: aDrainPod({ deletingSinceMs: 1, owner: DAEMON }),
    kind: 'leave',
  },
  { name: 'a pod of a DaemonSet', pod: aDrainPod({ owner: DAEMON, localData: ['tmp'] }), kind: 'leave', says: /back/ },
  {
    name: 'a pod whose DaemonSet is gone',
    pod: aDrainPod({ owner: { ...DAEMON, gone: true } }),
    kind: 'block',
    says: /its DaemonSet is gone/,
    allow: /allowBarePods/,
  },
  {
    name: 'the same where bare pods may go',
    pod: aDrainPod({ owner: { ...DAEMON, gone: true } }),
    drain: { allowBarePods: true },
    kind: 'evict',
  },
  {
    name: 'a finished pod of a DaemonSet',
    pod: aDrainPod({ owner: DAEMON, phase: 'Failed' }),
    kind: 'leave',
    says: /over/,
  },
  { name: 'a mirror pod', pod: aDrainPod({ mirror: true, owner: null }), kind: 'leave', says: /kubelet/ },
  {
    name: 'a finished pod with local data and without owner',
    pod: aDrainPod({ phase: 'Succeeded', localData: ['tmp'], owner: null }),
    kind: 'leave',
    says: /over/,
  },
  {
    name: 'a pod with local data',
    pod: aDrainPod({ localData: ['scratch', 'shm'] }),
    kind: 'block',
    says: /emptyDir scratch, shm/,
    allow: /drain\.allowLocalData/,
  },
  {
    name: 'the same where it may go',
    pod: aDrainPod({ localData: ['tmp'] }),
    drain: { allowLocalData: true },
    kind: 'evict',
  },
  { name: 'a bare pod', pod: aDrainPod({ owner: null }), kind: 'block', says: /no controller/, allow: /allowBarePods/ },
  { name: 'the same where it may go', pod: aDrainPod({ owner: null }), drain: { allowBarePods: true }, kind: 'evict' },
  {
    name: 'a pod that opts out',
    pod: aDrainPod({ optOut: 'karpenter.sh/do-not-disrupt: "true"' }),
    kind: 'block',
    says: /karpenter\.sh\/do-not-disrupt: "true"/,
    allow: /remove the annotation/,
  },
  {
    name: 'a pod under two budgets',
    pod: aDrainPod({ budgets: ['web-pdb', 'all-pdb'] }),
    budgets: [aBudget(), aBudget({ name: 'all-pdb' })],
    kind: 'block',
    says: /2 budgets select it \(all-pdb, web-pdb\)/,
    allow: /one PodDisruptionBudget/,
  },
  {
    name: 'the same while it is pending, when the API asks no budget',
    pod: aDrainPod({ budgets: ['web-pdb', 'all-pdb'], phase: 'Pending' }),
    budgets: [aBudget(), aBudget({ name: 'all-pdb' })],
    kind: 'evict',
  },
  {
    name: 'a pod whose budget can never allow it',
    pod: aDrainPod(held),
    budgets: [NEVER],
    kind: 'block',
    says: /web-pdb never allows an eviction: minAvailable 3 with 3 pods/,
    allow: /raise its replicas above 3/,
  },
  {
    name: 'a pod under maxUnavailable 0',
    pod: aDrainPod(held),
    budgets: [aBudget({ allowed: 0, desiredHealthy: 3, rule: 'maxUnavailable 0', countsPods: false })],
    kind: 'block',
    says: /maxUnavailable 0/,
    allow: /let web-pdb allow at least one/,
  },
  {
    name: 'a pod whose budget allows nothing just now',
    pod: aDrainPod(held),
    budgets: [aBudget({ allowed: 0 })],
    kind: 'evict',
  },
  {
    name: 'a pod whose budget of another namespace never allows',
    pod: aDrainPod(held),
    budgets: [{ ...NEVER, namespace: 'ml' }],
    kind: 'evict',
  },
  {
    name: 'a pod whose budget has figures out of date',
    pod: aDrainPod(held),
    budgets: [{ ...NEVER, stale: true }],
    kind: 'evict',
  },
  {
    name: 'an unready pod, which its budget spares',
    pod: aDrainPod({ ...held, ready: false }),
    budgets: [{ ...NEVER, allowsUnhealthy: true }],
    kind: 'evict',
  },
  {
    name: 'an unready pod while all wanted ones are healthy',
    pod: aDrainPod({ ...held, ready: false }),
    budgets: [{ ...NEVER, currentHealthy: 3, expectedPods: 3 }],
    kind: 'evict',
  },
  {
    name: 'an unready pod while too few are healthy',
    pod: aDrainPod({ ...held, ready: false }),
    budgets: [{ ...NEVER, currentHealthy: 2 }],
    kind: 'block',
  },
  {
    name: 'a single replica under minAvailable 1, which gets a second one',
    pod: aDrainPod({ ...held, ownerReplicas: 1 }),
    budgets: [aBudget({ allowed: 0, desiredHealthy: 1, expectedPods: 1, currentHealthy: 1 })],
    kind: 'evict',
  },
  {
    name: 'the same where nothing surges',
    pod: aDrainPod({ ...held, ownerReplicas: 1 }),
    budgets: [aBudget({ allowed: 0, desiredHealthy: 1, expectedPods: 1, currentHealthy: 1 })],
    drain: { surgeSingleReplicas: false },
    kind: 'block',
  },
  {
    name: 'the same of a Deployment that is not in headroom.yaml',
    pod: aDrainPod({ ...held, ownerReplicas: 1, owner: { kind: 'Deployment', name: 'other', uid: 'o' } }),
    budgets: [aBudget({ allowed: 0, desiredHealthy: 1, expectedPods: 1, currentHealthy: 1 })],
    kind: 'block',
  },
  {
    name: 'a GPU pod without a place elsewhere',
    pod: aDrainPod({ gpus: 4, place: { found: false, reason: 'of 3 nodes: 3 without room for nvidia.com/gpu' } }),
    kind: 'block',
    says: /needs 4 GPUs, and no other node has a place for it: of 3 nodes/,
    allow: /add a GPU node first/,
  },
  {
    name: 'the same where it may go',
    pod: aDrainPod({ gpus: 4, place: { found: false, reason: '' } }),
    drain: { allowUnplacedGpuPods: true },
    kind: 'evict',
  },
  {
    name: 'a pod without GPUs and without a place',
    pod: aDrainPod({ place: { found: false, reason: '' } }),
    kind: 'evict',
  },
  { name: 'a job', pod: aJobPod(), jobs: [aJob()], kind: 'wait' },
  {
    name: 'a young GPU job',
    pod: aJobPod(),
    jobs: [aJob({ startedAtMs: NOW_MS - 60_000 })],
    kind: 'block',
    says: /JobSet ml\/train started 1m ago on 16 GPUs/,
    allow: /wait 9m, or lower drain\.protectYoungGpuJobs/,
  },
  { name: 'a young job without GPUs', pod: aJobPod(), jobs: [aJob({ startedAtMs: NOW_MS, gpus: 0 })], kind: 'wait' },
  {
    name: 'a job of the protected age',
    pod: aJobPod(),
    jobs: [aJob({ startedAtMs: NOW_MS - HOUR_MS / 6 })],
    kind: 'wait',
  },
  { name: 'a job that may be interrupted', pod: aJobPod(), jobs: [aJob()], interrupt: ['uid-train'], kind: 'evict' },
  {
    name: 'a job that may be interrupted and would find no place',
    pod: aJobPod({ place: { found: false, reason: 'no room' } }),
    jobs: [aJob()],
    interrupt: ['uid-train'],
    kind: 'block',
    says: /needs 8 GPUs, and no other node has a place for it: no room/,
  },
  { name: 'a job while another may be', pod: aJobPod(), jobs: [aJob()], interrupt: ['uid-other'], kind: 'wait' },
  {
    name: 'a job that may be interrupted and keeps local data',
    pod: aJobPod({ localData: ['ckpt'] }),
    jobs: [aJob()],
    interrupt: ['uid-train'],
    kind: 'block',
    says: /emptyDir ckpt/,
  },
  {
    name: 'a job of which a pod elsewhere opts out',
    pod: aJobPod(),
    jobs: [aJob({ optOut: 'headroom.dev/do-not-drain: "true"' })],
    interrupt: ['uid-train'],
    kind: 'block',
    says: /do-not-drain/,
  },
  { name: 'a finished pod of a job', pod: aJobPod({ phase: 'Succeeded' }), jobs: [aJob()], kind: 'leave' },
];

function sceneOf({ drain = {}, budgets = [], jobs = [], interrupt = [] }: Partial<Row>): DrainScene {
  return { policy: aDrainPolicy(drain), budgets, jobs, interrupt, nowMs: NOW_MS };
}

describe('judging a pod of a node that is drained', () => {
  for (const row of ROWS)
    it(`says ${row.kind} of ${row.name}${row.drain === undefined ? '' : ` (${JSON.stringify(row.drain)})`}`, () => {
      const verdict = judgePod(row.pod, sceneOf(row));
      assert.equal(verdict.kind, row.kind, JSON.stringify(verdict));
      if (verdict.kind === 'leave') assert.match(verdict.why, row.says ?? /./);
      if (verdict.kind !== 'block') return;
      assert.match(verdict.blocks.map(({ why }) => why).join('; '), row.says ?? /./);
      assert.match(verdict.blocks.map(({ allow }) => allow).join('; '), row.allow ?? /./);
    });

  it('names everything that stands against it, not only the first', () => {
    const pod = aDrainPod({
      owner: null,
      localData: ['tmp'],
      optOut: 'x: "y"',
      budgets: ['web-pdb', 'b'],
      gpus: 1,
      place: { found: false, reason: 'no room' },
    });
    const verdict = judgePod(pod, sceneOf({ budgets: [aBudget(), aBudget({ name: 'b' })] }));
    assert.equal(verdict.kind === 'block' && verdict.blocks.length, 5);
  });

  it('says why a job may only be waited for', () => {
    const place = { found: false, reason: 'no room' };
    const verdict = judgePod(aJobPod({ localData: ['shm'], optOut: 'x: "y"', place }), sceneOf({ jobs: [aJob()] }));
    assert.deepEqual(verdict.kind === 'wait' && verdict.uninterruptible.map(({ why }) => why), [
      'it keeps data on the node (emptyDir shm), which an eviction deletes',
      'it asks not to be disrupted (x: "y")',
      'it needs 8 GPUs, and no other node has a place for it: no room',
    ]);
  });
});

const maybe = fc.boolean();
const anyPod: fc.Arbitrary<DrainPod> = fc
  .record({
    owner: fc.constantFrom(null, DAEMON, { ...DAEMON, gone: true as const }, aDrainPod().owner),
    phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
    ready: maybe,
    localData: fc.constantFrom([], ['tmp']),
    mirror: maybe,
    deletingSinceMs: fc.constantFrom(null, NOW_MS),
    optOut: fc.constantFrom(null, 'x: "y"'),
    budgets: fc.subarray(['web-pdb', 'never', 'b']),
    gpus: fc.constantFrom(0, 8),
    job: fc.constantFrom(null, 'uid-train'),
    ownerReplicas: fc.constantFrom(null, 1, 3),
    place: fc.constantFrom(null, { found: false, reason: '' }, { found: true, reason: '' }),
  })
  .map((of) => aDrainPod(of));

describe('any pod', () => {
  it('is never evicted where kubectl drain would refuse it or leave it', () => {
    fc.assert(
      fc.property(anyPod, fc.boolean(), fc.boolean(), fc.boolean(), (pod, allowLocalData, allowBarePods, go) => {
        const budgets = [aBudget(), { ...NEVER, name: 'never' }, aBudget({ name: 'b' })];
        const given = {
          drain: { allowLocalData, allowBarePods },
          budgets,
          jobs: [aJob()],
          interrupt: go ? ['uid-train'] : [],
        };
        if (judgePod(pod, sceneOf(given)).kind !== 'evict') return;
        assert.equal(pod.deletingSinceMs, null);
        assert.equal(pod.mirror, false);
        assert.ok(pod.owner?.kind !== 'DaemonSet' || pod.owner.gone === true);
        assert.ok(pod.localData.length === 0 || allowLocalData);
        assert.ok((pod.owner !== null && pod.owner.gone !== true) || allowBarePods);
        assert.equal(pod.optOut, null);
        assert.ok(pod.phase !== 'Running' || pod.budgets.length < 2);
        assert.ok(pod.job === null || go);
      }),
    );
  });
});
