import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DrainFacts, DrainStep } from '../../domain/node-run-facts.ts';
import type { DrainedNodeState, RunResult, RunStatus } from '../../domain/procedures.ts';
import { drainReportOf, type JobRow } from '../../domain/report-drain.ts';
import type { RunEnd } from '../../domain/run-facts.ts';
import {
  aDrainPod,
  aDrainPolicy,
  aGpuNode,
  aGroup,
  aJob,
  aJobPod,
  aSurvey,
  HOUR_MS,
  NOW_MS,
} from './drain-builders.ts';

const at = (seconds: number) => NOW_MS + seconds * 1_000;
const N1 = { name: 'n1', uid: 'uid-n1', instanceId: 'i-01' };
const TRAIN = { kind: 'JobSet', namespace: 'ml', name: 'train', uid: 'uid-train' };

const policy: DrainStep = { atMs: at(1), kind: 'policy', policy: aDrainPolicy() };
const survey = (seconds: number, of: Parameters<typeof aSurvey>[0] = {}): DrainStep => {
  return { atMs: at(seconds), kind: 'survey', survey: aSurvey(of) };
};
const working = (seconds: number): DrainStep => survey(seconds, { pods: [aJobPod()], jobs: [aJob()] });
const cordoned = (answer: Extract<DrainStep, { kind: 'cordoned' }>['answer'] = 'cordoned'): DrainStep => {
  return { atMs: at(3), kind: 'cordoned', node: N1, answer };
};
const waited = (seconds: number, report: Extract<DrainStep, { kind: 'jobs' }>['report']): DrainStep => {
  return { atMs: at(seconds), kind: 'jobs', jobs: [TRAIN], report };
};
const evicted = (pods: readonly string[], report: Extract<DrainStep, { kind: 'evicted' }>['report']): DrainStep => {
  const refs = pods.map((name) => ({ namespace: 'ml', name, uid: `uid-${name}` }));
  return { atMs: at(50), kind: 'evicted', node: N1, pods: refs, report };
};
const told = (answer: Extract<DrainStep, { kind: 'told' }>['answer']): DrainStep => {
  return { atMs: at(60), kind: 'told', node: N1, answer };
};
const gone = (lost: readonly string[] = []): DrainStep => {
  return { atMs: at(70), kind: 'gone', node: N1, group: 'gpu-workers', report: { kind: 'gone', desired: 3, lost } };
};
const CLAIM = { name: 'gpu-7x', uid: 'c1' };
const ofClaim = (step: DrainStep): DrainStep => ({ ...step, claim: CLAIM }) as DrainStep;
const claimGone: DrainStep = { atMs: at(70), kind: 'gone', node: N1, claim: CLAIM, report: { kind: 'gone' } };
const back = (answer: Extract<DrainStep, { kind: 'given back' }>['answer']): DrainStep => {
  return { atMs: at(80), kind: 'given back', node: N1, answer };
};
const steered = (name: string, words: object = {}, note: string | null = null): DrainStep => {
  return { atMs: at(40), kind: 'steered', name, as: 'bob', note, words: { ...words } };
};

function report(
  steps: readonly DrainStep[],
  {
    end = null,
    status = null,
    request = {},
  }: { readonly end?: RunEnd | null; readonly status?: RunStatus | null; readonly request?: object } = {},
) {
  const asked = { nodes: ['n1'], remove: true, requestedBy: 'alice', ...request };
  const frame = { id: 'drain-gpu-node.n1', runId: 'r1', startedAtMs: at(0), end };
  const run: DrainFacts = { ...frame, procedure: 'drainGpuNode', request: asked, steps };
  return drainReportOf({ run, status, nowMs: at(900) });
}

describe('reporting what a drain was asked for', () => {
  const rows = [
    { request: {}, what: 'removal of n1', note: null },
    { request: { nodes: ['n1', 'n2'], reason: 'old driver' }, what: 'removal of n1, n2', note: 'old driver' },
    { request: { remove: false }, what: 'drain of n1', note: null },
    { request: { remove: false, forMs: 2 * HOUR_MS }, what: 'drain of n1, cordoned for 2h', note: null },
  ];
  for (const { request, what, note } of rows)
    it(`says ${what}`, () => {
      const { askedFor, timeline } = report([policy, survey(2)], { request });
      assert.deepEqual([askedFor.what, askedFor.note, askedFor.by, askedFor.atMs], [what, note, 'alice', at(0)]);
      assert.deepEqual(timeline[0], { atMs: at(0), what: `asked for ${what}`, by: 'alice' });
    });
});

describe('reporting what became of a job', () => {
  const going = evicted(['train-1'], { kind: 'empty', evicted: 1 });
  const asked: DrainStep = { atMs: at(20), kind: 'checkpoints asked', jobs: [TRAIN] };
  const late = waited(10, { checkpointed: [], left: [TRAIN] });
  const rows: readonly {
    readonly name: string;
    readonly steps: readonly DrainStep[];
    readonly became: JobRow['became'];
  }[] = [
    { name: 'that came to its end while it was waited for', steps: [waited(10, {})], became: 'ended' },
    { name: 'that is waited for', steps: [], became: 'runs on' },
    { name: 'that was still there in the end', steps: [late, back('uncordoned')], became: 'runs on' },
    {
      name: 'that has answered, and whose pods went then',
      steps: [late, asked, waited(30, { checkpointed: [TRAIN] }), working(35), going],
      became: 'interrupted after a checkpoint',
    },
    {
      name: 'that has answered, and was not interrupted after all',
      steps: [late, asked, waited(30, { checkpointed: [TRAIN] })],
      became: 'runs on',
    },
    {
      name: 'that did not answer, and that a person let go',
      steps: [late, asked, waited(30, { checkpointed: [], left: [TRAIN] }), steered('skipWait'), working(45), going],
      became: 'interrupted',
    },
    {
      name: 'whose wait a person has skipped',
      steps: [steered('skipWait'), working(45), going],
      became: 'interrupted',
    },
    { name: 'that ended after it was asked for a checkpoint', steps: [late, asked, waited(30, {})], became: 'ended' },
  ];
  for (const { name, steps, became } of rows)
    it(`tells of one ${name}: ${became}`, () => {
      const { jobs } = report([policy, survey(2), cordoned(), working(5), ...steps]);
      assert.deepEqual(
        jobs.map((job) => [job.name, job.nodes, job.became]),
        [['JobSet ml/train', ['n1', 'n2'], became]],
      );
    });

  it('does not call one interrupted that ended, while other pods went', () => {
    const both = survey(5, { pods: [aJobPod(), aDrainPod()], jobs: [aJob()] });
    const steps = [
      policy,
      survey(2),
      cordoned(),
      both,
      waited(10, {}),
      evicted(['web-1'], { kind: 'empty', evicted: 1 }),
    ];
    assert.deepEqual(
      report(steps).jobs.map(({ became }) => became),
      ['ended'],
    );
  });

  it('has the cost of an interruption as it was when that was decided, in hours and money', () => {
    const later = survey(3_600, { pods: [aJobPod()], jobs: [aJob()] });
    const { jobs, currency } = report([policy, working(0), later]);
    // two nodes for three hours, at 20 an hour
    assert.deepEqual([jobs[0]?.cost, currency], [{ nodeHours: 6, money: 120 }, 'USD']);
  });

  it('takes no job for one of its own that came when pods were evicted already', () => {
    const steps = [policy, survey(2), cordoned(), survey(5), evicted([], { kind: 'empty', evicted: 0 }), working(55)];
    assert.deepEqual(report(steps).jobs, []);
  });
});

describe('reporting what became of a node, where the run’s own words are lost', () => {
  const empty = evicted(['web-1', 'web-2'], { kind: 'empty', evicted: 2 });
  const held = {
    pod: { namespace: 'shop', name: 'web-1', uid: 'u' },
    why: 'the budget allows none',
    budget: 'shop/web',
    forever: false,
  };
  const rows: readonly {
    readonly state: DrainedNodeState['state'];
    readonly steps: readonly DrainStep[];
    readonly evicted?: number;
    readonly says: string | RegExp;
  }[] = [
    { state: 'as it was', steps: [], says: /^asked for/ },
    { state: 'as it was', steps: [cordoned('replaced')], says: 'n1 is another node by now' },
    { state: 'cordoned', steps: [cordoned()], says: 'n1 is cordoned' },
    { state: 'cordoned', steps: [cordoned('ours')], says: 'n1 is cordoned' },
    {
      state: 'cordoned by somebody else',
      steps: [cordoned('cordoned already')],
      says: 'n1 was cordoned by somebody else, and stays so',
    },
    {
      state: 'cordoned',
      steps: [cordoned(), evicted(['web-1'], { kind: 'held', evicted: 1, held: [held] })],
      evicted: 1,
      says: 'pod shop/web-1: the budget allows none',
    },
    { state: 'emptied', steps: [cordoned(), empty], evicted: 2, says: '2 pods of n1 were evicted' },
    {
      state: 'as it was',
      steps: [cordoned(), evicted([], { kind: 'uncordoned', evicted: 0 })],
      says: 'somebody has made n1 schedulable again',
    },
    { state: 'gone', steps: [cordoned(), evicted([], { kind: 'replaced', evicted: 0 })], says: 'n1 is gone' },
    {
      state: 'emptied',
      steps: [cordoned(), empty, told({ kind: 'refused', reason: 'the group is at its minimum' })],
      evicted: 2,
      says: 'the group is at its minimum',
    },
    {
      state: 'going',
      steps: [cordoned(), empty, told({ kind: 'asked' })],
      evicted: 2,
      says: 'instance i-01 is told to terminate',
    },
    { state: 'going', steps: [told({ kind: 'gone' })], says: 'instance i-01 was gone already' },
    {
      state: 'going',
      steps: [cordoned(), empty, ofClaim(told({ kind: 'asked' }))],
      evicted: 2,
      says: 'NodeClaim gpu-7x is deleted: Karpenter ends instance i-01',
    },
    { state: 'going', steps: [ofClaim(told({ kind: 'gone' }))], says: 'NodeClaim gpu-7x was gone already' },
    {
      state: 'removed',
      steps: [cordoned(), empty, ofClaim(told({ kind: 'asked' })), claimGone],
      evicted: 2,
      says: 'n1 is removed; whether Karpenter needs another node is its own to say',
    },
    {
      state: 'going',
      steps: [
        told({ kind: 'asked' }),
        {
          atMs: at(70),
          kind: 'gone',
          node: N1,
          group: 'g',
          report: { kind: 'still there', reasons: ['it is Terminating'] },
        },
      ],
      says: 'it is Terminating',
    },
    {
      state: 'removed',
      steps: [cordoned(), empty, told({ kind: 'asked' }), gone()],
      evicted: 2,
      says: 'n1 is removed; gpu-workers wants 3 nodes',
    },
    {
      state: 'removed',
      steps: [
        {
          atMs: at(70),
          kind: 'gone',
          node: N1,
          group: 'g',
          report: { kind: 'gone', desired: 5, expected: 3, lost: [] },
        },
      ],
      says: 'g wants 5 nodes, not 3: somebody else has sized it meanwhile',
    },
    {
      state: 'given back',
      steps: [cordoned(), empty, back('uncordoned')],
      evicted: 2,
      says: 'n1 is schedulable again',
    },
    {
      state: 'cordoned by somebody else',
      steps: [cordoned(), back('not ours')],
      says: 'n1 is left: its cordon is somebody else’s by now',
    },
    { state: 'gone', steps: [cordoned(), back('gone')], says: 'n1 is gone' },
  ];
  for (const { state, steps, evicted = 0, says } of rows)
    it(`is ${state} after ${steps.map(({ kind }) => kind).join(', ') || 'nothing'}`, () => {
      const { nodes, timeline } = report([policy, survey(2), ...steps]);
      assert.deepEqual([nodes[0]?.state, nodes[0]?.evicted], [state, evicted]);
      const last = timeline.at(-1)?.what ?? '';
      if (says instanceof RegExp) assert.match(last, says);
      else assert.equal(last, says);
    });

  it('is empty since the last of its pods went, and was told to terminate and gone once', () => {
    const steps = [cordoned(), { ...empty, atMs: at(40) }, empty, told({ kind: 'asked' }), gone()];
    const [node] = report([policy, survey(2), ...steps]).nodes;
    assert.deepEqual(
      [node?.cordonedAtMs, node?.emptyAtMs, node?.toldAtMs, node?.goneAtMs],
      [at(3), at(50), at(60), at(70)],
    );
  });

  it('sums what several rounds have evicted, and tells the nodes apart', () => {
    const other: DrainStep = {
      ...evicted(['x'], { kind: 'empty', evicted: 5 }),
      node: { ...N1, name: 'n2' },
    } as DrainStep;
    const steps = [policy, survey(2, { nodes: [aGpuNode(), aGpuNode({ name: 'n2' })] }), empty, empty, other];
    const { nodes } = report(steps, { request: { nodes: ['n1', 'n2'] } });
    assert.deepEqual(
      nodes.map((node) => [node.name, node.instanceId, node.evicted]),
      [
        ['n1', 'i-01', 4],
        ['n2', 'i-02', 5],
      ],
    );
  });

  it('names checkpoints that were asked for, and what did not answer', () => {
    const steps: readonly DrainStep[] = [
      { atMs: at(20), kind: 'checkpoints asked', jobs: [TRAIN] },
      waited(30, { left: [TRAIN] }),
      waited(35, {}),
      { atMs: at(36), kind: 'surge', workload: 'web' },
    ];
    assert.deepEqual(
      report(steps)
        .timeline.slice(1)
        .map(({ what }) => what),
      [
        'asked for a checkpoint: JobSet ml/train',
        'not done: JobSet ml/train',
        'JobSet ml/train: done',
        'asked for a second replica of web',
      ],
    );
  });
});

describe('reporting how a drain ended', () => {
  const node = { ...N1, state: 'removed', evicted: 7 } as const;
  const timeline = [{ atMs: at(41), what: 'approved by bob (go on)' }];
  const result: RunResult = { outcome: 'removed', reasons: [], nodes: [node], lost: ['i-0bad'], timeline };
  const approved = steered('approve', { planHash: 'ab' }, 'go on');

  it('takes the run’s own word, and has who approved beside it, once', () => {
    const end: RunEnd = { atMs: at(90), kind: 'completed', result };
    const said = report([policy, survey(2), approved], { end });
    assert.deepEqual([said.nodes[0]?.state, said.nodes[0]?.evicted, said.lost], ['removed', 7, ['i-0bad']]);
    assert.deepEqual(said.steered, [{ atMs: at(40), by: 'bob', what: 'approved the plan', note: 'go on' }]);
    assert.deepEqual(
      said.timeline.map(({ by, what }) => [by, what]),
      [
        ['alice', 'asked for removal of n1'],
        ['bob', 'approved (go on)'],
        [null, 'ended: removed'],
      ],
    );
  });

  it('takes the word of a worker that answers while it is under way', () => {
    const status = { drain: { plan: null, nodes: [{ ...node, state: 'going' }] }, timeline } as unknown as RunStatus;
    const said = report([policy, survey(2), cordoned()], { status });
    assert.deepEqual([said.outcome, said.nodes[0]?.state, said.nodes[0]?.evicted], ['under way', 'going', 7]);
  });

  const words = [
    ['endNow', {}, 'ended it'],
    ['skipWait', {}, 'did not want to wait any longer'],
    ['extend', { forMs: 90_000 }, 'made the time 1m30s longer'],
    ['reject', {}, 'rejected the plan'],
    ['suspend', {}, 'suspended the run'],
    ['somethingNew', { why: 'x' }, 'sent somethingNew, why "x"'],
  ] as const;
  for (const [name, more, what] of words)
    it(`has who ${what}, with the note`, () =>
      assert.deepEqual(report([steered(name, more, 'because')]).steered, [
        { atMs: at(40), by: 'bob', what, note: 'because' },
      ]));

  it('tells of one that was cancelled what was given back, and by whom it was', () => {
    const cancel: DrainStep = { atMs: at(75), kind: 'cancelled', as: 'carol', note: 'wrong node' };
    const steps = [policy, survey(2), cordoned(), cancel, back('uncordoned')];
    const said = report(steps, { end: { atMs: at(90), kind: 'cancelled' } });
    assert.deepEqual([said.outcome, said.nodes[0]?.state], ['cancelled', 'given back']);
    assert.deepEqual(
      said.timeline.slice(-3).map(({ by, what }) => [by, what]),
      [
        ['carol', 'cancelled the run (wrong node)'],
        [null, 'n1 is schedulable again'],
        [null, 'ended: cancelled'],
      ],
    );
  });

  it('has what went besides from the looks where the result is lost, each once', () => {
    assert.deepEqual(report([policy, survey(2), gone(['i-02']), gone(['i-02', 'i-03'])]).lost, ['i-02', 'i-03']);
  });

  it('has every reason of a refusal, and the nodes as they were', () => {
    const end: RunEnd = { atMs: at(5), kind: 'completed', result: { outcome: 'refused', reasons: ['a', 'b'] } };
    const missing = survey(2, { nodes: [] });
    const said = report([policy, missing], { end });
    assert.deepEqual([said.outcome, said.reasons, said.gaps, said.jobs], ['refused', ['a', 'b'], [], []]);
    assert.deepEqual([said.nodes[0]?.state, said.nodes[0]?.instanceId], ['as it was', null]);
  });

  it('warns of what the plans warned of until the first pod went, each once', () => {
    const alone = survey(2, {
      pods: [aDrainPod({ ownerReplicas: 1, owner: { kind: 'Deployment', name: 'db', uid: 'd' } })],
    });
    const { warnings } = report([policy, alone, cordoned(), { ...alone, atMs: at(5) }]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /only replica of Deployment db/);
  });

  it('knows the size of its group before, and what it wanted when the last one had gone', () => {
    const found = aGroup({ stored: { min: 2, max: 9, desired: 7 } });
    const { size, group, savedPerHour } = report([policy, survey(2, { groups: [found] }), gone()]);
    assert.deepEqual(
      [size, group, savedPerHour],
      [{ before: { min: 1, max: 10, desired: 4 }, after: 3 }, 'gpu-workers', 20],
    );
    assert.deepEqual(report([]).size, { before: null, after: null });
  });
});
