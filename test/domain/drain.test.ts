import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { drainIntent, outgrownDrain } from '../../domain/drain-intent.ts';
import { describeBlocker, type DrainPlan } from '../../domain/drain.ts';
import { canonicalJson } from '../../domain/json.ts';
import {
  aBudget,
  aDrainPod,
  aDrainPolicy,
  aGpuNode,
  aJob,
  aJobPod,
  aSurvey,
  decideDrain,
  drainPlanOf,
  HOUR_MS,
} from './drain-builders.ts';

describe('planning a drain', () => {
  it('tells what goes, what stays, and what is waited for', () => {
    const pods = [
      aJobPod(),
      aDrainPod(),
      aDrainPod({ name: 'dcgm', owner: { kind: 'DaemonSet', name: 'dcgm', uid: 'd' } }),
    ];
    const plan = drainPlanOf(aSurvey({ pods, jobs: [aJob()] }), { request: { remove: true } });
    assert.deepEqual(
      plan.evict.map(({ name }) => name),
      ['web-1'],
    );
    assert.deepEqual(
      plan.leave.map(({ name, why }) => [name, why]),
      [['dcgm', 'its DaemonSet would put it back']],
    );
    const [job] = plan.wait;
    assert.deepEqual(
      [job?.name, job?.pods, job?.nodes, job?.cost, job?.uninterruptible],
      ['train', { here: 1, elsewhere: 1 }, ['n1', 'n2'], { nodeHours: 4, money: 80 }, []],
    );
    assert.deepEqual(plan.costs, { nodeHours: 4, money: 80, currency: 'USD', savedPerHour: 20 });
    assert.deepEqual(plan.blockers, []);
    assert.deepEqual(plan.nodes, [
      {
        name: 'n1',
        uid: 'uid-n1',
        instanceId: 'i-01',
        group: 'gpu-workers',
        instanceType: 'p4d.24xlarge',
        gpus: 8,
        wasCordoned: false,
        cordonedBy: null,
      },
    ]);
  });

  it('knows no cost in money where a price is missing, and still the node hours', () => {
    const jobs = [
      aJob({
        nodes: [
          { name: 'n1', instanceType: 'p4d.24xlarge' },
          { name: 'n2', instanceType: null },
        ],
      }),
    ];
    const { costs } = drainPlanOf(aSurvey({ pods: [aJobPod()], jobs }));
    assert.deepEqual([costs.nodeHours, costs.money, costs.savedPerHour], [4, null, null]);
  });

  it('names each blocker with its pod and what would allow it', () => {
    const pods = [aDrainPod({ owner: null }), aDrainPod({ name: 'web-2', localData: ['tmp'] })];
    assert.deepEqual(drainPlanOf(aSurvey({ pods })).blockers.map(describeBlocker), [
      'pod shop/web-1 on n1: no controller made it, so nobody makes it anew; delete it yourself, or set drain.allowBarePods',
      'pod shop/web-2 on n1: it keeps data on the node (emptyDir tmp), which an eviction deletes; set drain.allowLocalData, or annotate it with cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes and the names of the volumes',
    ]);
  });

  it('evicts the pods of a job that may be interrupted, and says that it then has no place', () => {
    const pods = [aJobPod({ place: { found: false, reason: 'no room' } })];
    const plan = drainPlanOf(aSurvey({ pods, jobs: [aJob()] }), {
      interrupt: ['uid-train'],
      policy: aDrainPolicy({ allowUnplacedGpuPods: true }),
    });
    assert.deepEqual([plan.wait, plan.interrupt.map(({ name }) => name)], [[], ['train']]);
    assert.match(plan.warnings.join(), /JobSet ml\/train finds no place elsewhere when it is interrupted: no room/);
    assert.equal(plan.costs.nodeHours, 4);
  });

  it('lets a single replica have a second one first, or says that it is down meanwhile', () => {
    const survey = aSurvey({ pods: [aDrainPod({ ownerReplicas: 1 })] });
    assert.equal(drainPlanOf(survey).evict[0]?.surge, 'web');
    const without = drainPlanOf(survey, { policy: aDrainPolicy({ surgeSingleReplicas: false }) });
    assert.deepEqual(
      [without.evict[0]?.surge, without.warnings],
      [undefined, ['shop/web-1 is the only replica of Deployment web, which is down until another is ready']],
    );
  });

  it('warns of what makes it long', () => {
    const pods = [
      aDrainPod({ finalizers: ['x/y'], toleratesCordon: true, budgets: ['web-pdb'] }),
      aDrainPod({ name: 'web-2', deletingSinceMs: 1, finalizers: ['x/z'] }),
    ];
    const { warnings } = drainPlanOf(aSurvey({ pods, budgets: [aBudget({ allowed: 0 })] }));
    assert.deepEqual(warnings, [
      'shop/web-1 waits for its budget web-pdb, which allows no eviction just now (minAvailable 2)',
      'shop/web-1 tolerates a cordoned node, so its replacement may come back to n1; it is evicted again until the deadline',
      'shop/web-1 has finalizer x/y: it goes when that is removed, not before',
      'shop/web-2 has finalizer x/z: it goes when that is removed, not before',
    ]);
    assert.deepEqual(
      drainPlanOf(aSurvey({ pods: [aDrainPod({ budgets: ['web-pdb'] })], budgets: [aBudget()] })).warnings,
      [],
    );
  });

  it('says beforehand how long there is an undo', () => {
    const undoOf = (remove: boolean, ...cordoned: readonly boolean[]) =>
      drainPlanOf(aSurvey({ nodes: cordoned.map((one, i) => aGpuNode({ name: `n${i + 1}`, schedulable: !one })) }), {
        request: { remove },
      }).undo;
    assert.match(undoOf(true, false), /until the first instance is told to terminate .* no way back/);
    assert.match(undoOf(false, false), /^the nodes are made schedulable again; evicted pods stay/);
    assert.match(undoOf(false, false, true), /but for n2, cordoned before/);
    assert.match(undoOf(false, true), /nothing to undo/);
  });

  it('keeps the cordon for as long as it was asked, or as policy says', () => {
    const forMs = (request: object) => drainPlanOf(aSurvey(), { request }).forMs;
    assert.deepEqual([forMs({}), forMs({ forMs: 7 }), forMs({ remove: true })], [4 * HOUR_MS, 7, null]);
  });
});

const someSurvey = fc
  .array(
    fc.record({
      job: fc.boolean(),
      bare: fc.boolean(),
      localData: fc.constantFrom([], ['tmp']),
      budgets: fc.subarray(['web-pdb', 'b']),
      deletingSinceMs: fc.constantFrom(null, null, 1),
    }),
    { maxLength: 8 },
  )
  .map((rows) =>
    rows.map(({ job, bare, ...of }, i) =>
      job ? aJobPod({ name: `p${i}`, ...of }) : aDrainPod({ name: `p${i}`, ...of, ...(bare && { owner: null }) }),
    ),
  );

describe('any drain', () => {
  const rest = { budgets: [aBudget({ allowed: 0 }), aBudget({ name: 'b' })], jobs: [aJob(), aJob({ uid: 'other' })] };

  it('is judged the same whatever the order of pods, budgets and jobs', () => {
    const shuffled = someSurvey.chain((pods) =>
      fc.tuple(fc.constant(pods), fc.shuffledSubarray(pods, { minLength: pods.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.boolean(), ([pods, others], go) => {
        const interrupt = go ? ['uid-train'] : [];
        const one = decideDrain(aSurvey({ pods, ...rest }), { interrupt });
        const budgets = rest.budgets.toReversed();
        const other = decideDrain(aSurvey({ pods: others, budgets, jobs: rest.jobs.toReversed() }), { interrupt });
        assert.deepEqual(one, other);
      }),
    );
  });

  it('has each pod in exactly one place, and names each blocked one', () => {
    fc.assert(
      fc.property(someSurvey, fc.boolean(), (pods, go) => {
        const plan = drainPlanOf(aSurvey({ pods, ...rest }), { interrupt: go ? ['uid-train'] : [] });
        for (const { name, node, job, deletingSinceMs } of pods) {
          const places = [
            plan.evict.some((one) => one.name === name),
            plan.leave.some((one) => one.name === name),
            plan.going.some((one) => one.name === name),
            plan.blockers.some(({ subject }) => subject.endsWith(`/${name} on ${node}`)),
            !go && job !== null && deletingSinceMs === null && plan.wait.some(({ uid }) => uid === job),
          ];
          assert.equal(places.filter(Boolean).length, 1, name);
        }
      }),
    );
  });
});

describe('any approval', () => {
  const rest = { jobs: [aJob()] };
  it('holds for the same plan, and for any part of what it was for', () => {
    fc.assert(
      fc.property(someSurvey, fc.nat(8), (pods, part) => {
        const policy = aDrainPolicy({ allowBarePods: true, allowLocalData: true });
        const intentOf = (some: typeof pods) => drainIntent(drainPlanOf(aSurvey({ pods: some, ...rest }), { policy }));
        assert.deepEqual(outgrownDrain(intentOf(pods), intentOf(pods.slice(0, part))), []);
      }),
    );
  });
});

describe('approving a drain', () => {
  const survey = (names: readonly string[], of: Parameters<typeof aSurvey>[0] = {}) =>
    aSurvey({ pods: [...names.map((name) => aDrainPod({ name })), aJobPod()], jobs: [aJob()], ...of });
  const approved = drainIntent(drainPlanOf(survey(['a', 'b']), { request: { remove: true } }));
  const after = (plan: DrainPlan) => outgrownDrain(approved, drainIntent(plan));
  const removing = { request: { remove: true } };

  it('is for nodes, owners and jobs by uid, and for what becomes of the nodes', () => {
    assert.deepEqual(approved, {
      procedure: 'drainGpuNode',
      nodes: [{ name: 'n1', uid: 'uid-n1', instanceId: 'i-01' }],
      remove: true,
      forMs: null,
      owners: [{ uid: 'uid-web', name: 'Deployment shop/web' }],
      jobs: [{ uid: 'uid-train', name: 'JobSet ml/train' }],
    });
    assert.deepEqual(JSON.parse(canonicalJson(approved)), approved);
  });

  it('holds for other pods of the same owners, and for less', () => {
    assert.deepEqual(after(drainPlanOf(survey(['c', 'd', 'e']), removing)), []);
    assert.deepEqual(after(drainPlanOf(aSurvey(), removing)), []);
  });

  it('holds when a job that was to be waited for is interrupted', () => {
    assert.deepEqual(after(drainPlanOf(survey([]), { ...removing, interrupt: ['uid-train'] })), []);
  });

  it('does not hold for other owners, jobs, nodes or another end', () => {
    const other = { kind: 'StatefulSet', name: 'db', uid: 'uid-db' };
    const more = aSurvey({
      nodes: [aGpuNode({ uid: 'again', providerId: 'aws:///us-east-1a/i-04' })],
      pods: [
        aDrainPod({ name: 'db-0', owner: other }),
        aDrainPod({ name: 'bare', owner: null }),
        aJobPod({ job: 'j2' }),
      ],
      jobs: [aJob({ uid: 'j2', name: 'train-2' })],
    });
    const policy = aDrainPolicy({ allowBarePods: true });
    assert.deepEqual(after(drainPlanOf(more, { policy })), [
      'n1 is another node now (instance i-04)',
      'the nodes were to be removed and are to be cordoned for 4h',
      'pod shop/bare would be evicted too',
      'pods of StatefulSet shop/db would be evicted too',
      'JobSet ml/train-2 runs there too',
    ]);
    const [node = { name: '', uid: '', instanceId: '' }] = approved.nodes;
    for (const other of [{ uid: 'again' }, { instanceId: 'i-04' }])
      assert.equal(outgrownDrain(approved, { ...approved, nodes: [{ ...node, ...other }] }).length, 1);
    const kept = drainIntent(drainPlanOf(survey([]), { request: { forMs: HOUR_MS } }));
    assert.deepEqual(outgrownDrain(kept, { ...kept, remove: true, forMs: null }), [
      'the nodes were to be kept and are to be removed',
    ]);
    assert.deepEqual(outgrownDrain(kept, { ...kept, forMs: HOUR_MS + 1 }).length, 1);
    assert.deepEqual(outgrownDrain(kept, { ...kept, forMs: HOUR_MS - 1 }), []);
  });
});
