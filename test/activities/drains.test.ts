import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDrainActivities } from '../../activities/drains.ts';
import { failure } from '../../activities/failure.ts';
import type { CloudPort } from '../../activities/ports.ts';
import { aGpuNode, aGroup, aJob, aJobPod, aSurvey } from '../domain/drain-builders.ts';
import { NO_CLOUD } from '../fakes/no-cloud.ts';
import { FakeDrains } from '../fakes/drains.ts';
import { FakeNodeClaims } from '../fakes/node-claims.ts';
import { anActivity } from '../harness/activity.ts';

const TRAIN = { kind: 'JobSet', namespace: 'ml', name: 'train', uid: 'uid-train' };
const OWNER = 'drain-gpu-node.n1/run-1';
const HOUR_MS = 3_600_000;

function aDrainWorld(cloud: Partial<CloudPort> = {}) {
  const drains = new FakeDrains();
  drains.say(aSurvey({ pods: [aJobPod()], jobs: [aJob()] }));
  const nodeClaims = new FakeNodeClaims();
  const ports = {
    drains,
    nodeClaims,
    cloud: { ...NO_CLOUD.cloud, ...cloud },
    policy: { policy: () => assert.fail('not asked for') },
  };
  const activities = createDrainActivities(ports);
  const run = anActivity();
  return { drains, nodeClaims, activities, act: <T>(act: () => Promise<T>) => run.act(act) };
}

describe('surveying a drain', () => {
  it('reads each group once, and says of a missing node that it is missing', async () => {
    const asked: string[] = [];
    const { drains, activities, act } = aDrainWorld({ readNodeGroup: async (name) => (asked.push(name), aGroup()) });
    drains.say(aSurvey({ nodes: [aGpuNode(), aGpuNode({ name: 'n2' })] }));
    const survey = await act(() => activities.surveyDrain({ nodes: ['n1', 'n2', 'n9'], remove: true }));
    assert.deepEqual(asked, ['gpu-workers']);
    assert.deepEqual(
      survey.nodes.map(({ name, state }) => [name, state?.uid]),
      [
        ['n1', 'uid-n1'],
        ['n2', 'uid-n2'],
        ['n9', undefined],
      ],
    );
    assert.equal(survey.groups[0]?.state?.live.desired, 4);
    assert.deepEqual(JSON.parse(JSON.stringify(survey)), survey);
  });

  it('asks AWS nothing of a node without a managed group', async () => {
    const { drains, activities, act } = aDrainWorld();
    drains.say(aSurvey({ nodes: [aGpuNode({ labels: {} })] }));
    assert.deepEqual((await act(() => activities.surveyDrain({ nodes: ['n1'], remove: true }))).groups, []);
  });

  const broken = (type: 'permissionDenied' | 'apiThrottled') => ({
    readNodeGroup: () => Promise.reject(failure(type, `it is ${type}`)),
  });
  for (const [type, remove] of [
    ['permissionDenied', true],
    ['permissionDenied', false],
    ['apiThrottled', false],
  ] as const)
    it(`says why a group cannot be read when it is ${type}, ${remove ? 'with' : 'without'} removal`, async () => {
      const { activities, act } = aDrainWorld(broken(type));
      const { groups } = await act(() => activities.surveyDrain({ nodes: ['n1'], remove }));
      assert.deepEqual(groups, [{ name: 'gpu-workers', state: null, unread: `it is ${type}` }]);
    });

  it('is tried again while AWS is busy and the group decides something', async () => {
    const { activities, act } = aDrainWorld(broken('apiThrottled'));
    const survey = act(() => activities.surveyDrain({ nodes: ['n1'], remove: true }));
    await assert.rejects(survey, { type: 'apiThrottled', nonRetryable: false });
  });
});

describe('surveying a node of Karpenter’s', () => {
  const labels = { 'karpenter.sh/nodepool': 'gpu' };
  const providerId = 'aws:///us-east-1a/i-01';

  function aKarpenterWorld() {
    const world = aDrainWorld();
    world.drains.say(aSurvey({ nodes: [aGpuNode({ labels }), aGpuNode({ name: 'n2', labels: {} })] }));
    const survey = (nodes = ['n1', 'n2']) =>
      world.act(() => world.activities.surveyDrain({ nodes, remove: true, nodeClaims: true }));
    return { ...world, survey };
  }

  it('finds its NodeClaims, and no other’s, and whether they may be deleted', async () => {
    const { nodeClaims, survey } = aKarpenterWorld();
    const own = nodeClaims.add('gpu-1', { providerId, nodeName: 'n1' });
    nodeClaims.add('gpu-2', { providerId: 'aws:///us-east-1a/i-02', nodeName: 'n2' });
    assert.deepEqual((await survey()).nodeClaims, { kind: 'read', claims: [own], deletable: true });
    nodeClaims.deletable = false;
    assert.deepEqual((await survey()).nodeClaims, { kind: 'read', claims: [own], deletable: false });
  });

  it('says that there is no Karpenter', async () => {
    const { nodeClaims, survey } = aKarpenterWorld();
    nodeClaims.served = false;
    assert.deepEqual((await survey()).nodeClaims, { kind: 'absent' });
  });

  it('says what keeps it from reading them, and is tried again while that may pass', async () => {
    const { nodeClaims, survey } = aKarpenterWorld();
    nodeClaims.mayDeleteNodeClaims = () => Promise.reject(failure('permissionDenied', 'worker may not ask'));
    assert.deepEqual((await survey()).nodeClaims, { kind: 'unread', reason: 'worker may not ask' });
    nodeClaims.mayDeleteNodeClaims = () => Promise.reject(failure('apiUnavailable', 'no answer'));
    await assert.rejects(survey(), { type: 'apiUnavailable', nonRetryable: false });
  });

  it('asks nothing of NodeClaims where no node is Karpenter’s, or policy leaves its nodes alone', async () => {
    const { act, activities, survey, nodeClaims } = aKarpenterWorld();
    nodeClaims.listNodeClaims = () => assert.fail('not asked for');
    assert.equal((await survey(['n2'])).nodeClaims, undefined);
    const survey1 = await act(() => activities.surveyDrain({ nodes: ['n1'], remove: true }));
    assert.equal('nodeClaims' in survey1, false);
  });
});

describe('a survey that no history would hold', () => {
  it('says how many pods there are, and what helps', async () => {
    const { drains, activities, act } = aDrainWorld();
    drains.say(aSurvey({ nodes: [aGpuNode({ labels: {} })], pods: Array.from({ length: 4_000 }, () => aJobPod()) }));
    await assert.rejects(
      act(() => activities.surveyDrain({ nodes: ['n1'] })),
      {
        type: 'invalidRequest',
        message: '1 nodes with 4000 pods are more than one run can hold; drain fewer at a time',
      },
    );
  });

  it('is not one of twenty full nodes', async () => {
    const { drains, activities, act } = aDrainWorld();
    const nodes = Array.from({ length: 20 }, (_, i) => aGpuNode({ name: `n${i}`, labels: {} }));
    const pods = nodes.flatMap(({ name: node }) => Array.from({ length: 110 }, () => aJobPod({ node })));
    drains.say(aSurvey({ nodes, pods }));
    const survey = await act(() => activities.surveyDrain({ nodes: nodes.map(({ name }) => name) }));
    assert.equal(survey.pods.length, 2_200);
  });
});

describe('asking jobs for a checkpoint', () => {
  const marks = (drains: FakeDrains) => drains.jobs.get('uid-train')?.pods.map(({ checkpoint }) => checkpoint);
  const requested = { state: 'requested', owner: OWNER };

  it('asks every pod, also on other nodes, and leaves an answer when it is repeated', async () => {
    const { drains, activities, act } = aDrainWorld();
    const ask = () => act(() => activities.requestCheckpoints({ jobs: [TRAIN], owner: OWNER }));
    assert.deepEqual(await ask(), { pods: 2 });
    assert.deepEqual(marks(drains), [requested, requested]);
    drains.answer('uid-train', 'train-1');
    assert.deepEqual(await ask(), { pods: 2 });
    assert.deepEqual(marks(drains), [{ ...requested, state: 'done' }, requested]);
  });

  it('takes an answer to another run for none', async () => {
    const { drains, activities, act } = aDrainWorld();
    await act(() => activities.requestCheckpoints({ jobs: [TRAIN], owner: 'another' }));
    drains.answer('uid-train');
    await act(() => activities.requestCheckpoints({ jobs: [TRAIN], owner: OWNER }));
    assert.deepEqual(marks(drains), [requested, requested]);
  });

  it('takes back what it asked, and no one else’s request', async () => {
    const { drains, activities, act } = aDrainWorld();
    await act(() => activities.requestCheckpoints({ jobs: [TRAIN], owner: OWNER }));
    await act(() => activities.withdrawCheckpoints({ jobs: [TRAIN], owner: 'another' }));
    assert.deepEqual(marks(drains), [requested, requested]);
    for (const _ of [1, 2]) await act(() => activities.withdrawCheckpoints({ jobs: [TRAIN], owner: OWNER }));
    assert.deepEqual(marks(drains), [null, null]);
  });
});

describe('waiting for jobs', () => {
  const request = { jobs: [TRAIN], nodes: ['n1'], everyMs: 15_000 };
  const later = () => Date.now() + HOUR_MS;

  it('is not over while a pod of theirs is on the node, and says which', async () => {
    const { activities, act } = aDrainWorld();
    await assert.rejects(
      act(() => activities.awaitJobs({ ...request, deadlineMs: later() })),
      {
        type: 'notReady',
        category: 'BENIGN',
        nextRetryDelay: 15_000,
        message: 'JobSet ml/train has 1 pod on n1',
      },
    );
  });

  it('is over when the job is, or has left the nodes', async () => {
    const { drains, activities, act } = aDrainWorld();
    const elsewhere = await act(() => activities.awaitJobs({ ...request, nodes: ['n7'], deadlineMs: later() }));
    assert.deepEqual(elsewhere, { kind: 'finished' });
    drains.finish('uid-train');
    assert.deepEqual(await act(() => activities.awaitJobs({ ...request, deadlineMs: 0 })), { kind: 'finished' });
  });

  it('is over when every pod has answered this run', async () => {
    const { drains, activities, act } = aDrainWorld();
    await act(() => activities.requestCheckpoints({ jobs: [TRAIN], owner: OWNER }));
    const wait = (owner = OWNER) => act(() => activities.awaitJobs({ ...request, owner, deadlineMs: later() }));
    drains.answer('uid-train', 'train-1');
    await assert.rejects(wait(), { message: /1 pod on n1 and has not answered with a checkpoint/ });
    drains.answer('uid-train', 'train-2');
    assert.deepEqual(await wait(), { kind: 'checkpointed', checkpointed: [TRAIN] });
    await assert.rejects(wait('another'), { type: 'notReady' });
    await assert.rejects(
      act(() => activities.awaitJobs({ ...request, deadlineMs: later() })),
      { type: 'notReady' },
    );
  });

  it('says at the deadline who has answered and who is left', async () => {
    const { drains, activities, act } = aDrainWorld();
    const other = { ...TRAIN, name: 'tune', uid: 'uid-tune' };
    const pods = [{ namespace: 'ml', name: 'tune-1', uid: 'uid-tune-1', node: 'n1', checkpoint: null }];
    drains.jobs.set('uid-tune', { ...other, pods });
    await act(() => activities.requestCheckpoints({ jobs: [TRAIN, other], owner: OWNER }));
    drains.answer('uid-tune');
    const report = await act(() =>
      activities.awaitJobs({ ...request, jobs: [TRAIN, other], owner: OWNER, deadlineMs: 0 }),
    );
    assert.deepEqual(report, { kind: 'deadline', checkpointed: [other], left: [TRAIN] });
  });

  it('goes on while nothing can be read, and takes all for left at the deadline', async () => {
    const { drains, activities, act } = aDrainWorld();
    drains.failure = failure('permissionDenied', 'no right');
    await assert.rejects(
      act(() => activities.awaitJobs({ ...request, deadlineMs: later() })),
      {
        type: 'permissionDenied',
        nonRetryable: false,
        nextRetryDelay: 15_000,
      },
    );
    drains.failure = failure('apiUnavailable', 'down');
    const report = await act(() => activities.awaitJobs({ ...request, deadlineMs: 0 }));
    assert.deepEqual(report, { kind: 'deadline', checkpointed: [], left: [TRAIN] });
  });
});
