import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeHistory, type Happening } from '../../client/history.ts';
import { readNodeRun } from '../../client/node-facts.ts';
import { pageHtml } from '../../client/report-html.ts';
import { additionPage, drainPage } from '../../client/report-nodes.ts';
import { pageMarkdown, pageText } from '../../client/report-page.ts';
import { additionReportOf, type AdditionReport } from '../../domain/report-addition.ts';
import { drainReportOf, type DrainReport } from '../../domain/report-drain.ts';
import type { NodeProcedure } from '../../domain/procedures.ts';
import { recordedNodeRun } from '../harness/recorded.ts';

const nowMs = Date.UTC(2026, 11, 1);
const NO_SIZE = { before: null, after: null };

/** Nothing but what Temporal keeps: no worker answers. */
function drainOf(happenings: readonly Happening[]): DrainReport {
  const run = readNodeRun('drainGpuNode', { id: 'drain-gpu-node.n1', runId: 'r1' }, happenings);
  return run.procedure === 'drainGpuNode' ? drainReportOf({ run, status: null, nowMs }) : assert.fail();
}
function additionOf(happenings: readonly Happening[]): AdditionReport {
  const run = readNodeRun('addGpuNodes', { id: 'add-gpu-nodes.gpu', runId: 'r1' }, happenings);
  return run.procedure === 'addGpuNodes' ? additionReportOf({ run, status: null, nowMs }) : assert.fail();
}
/** The same run, ended from outside after its last activity: it returns no result. */
const cutShort = (happenings: readonly Happening[]): readonly Happening[] => {
  const atMs = happenings.at(-1)?.atMs ?? 0;
  return [
    ...happenings.filter(({ kind }) => kind !== 'completed'),
    { atMs, kind: 'terminated', by: 'eve', reason: '' },
  ];
};

describe('reading the report of a drain out of a recorded history', () => {
  it('has who asked, each node with what became of it and when, and the size of its group', async () => {
    const { id, happenings } = await recordedNodeRun('drain-remove', 'drainGpuNode');
    const report = drainOf(happenings);
    const [node] = report.nodes;
    assert.ok(node !== undefined && report.nodes.length === 1);
    assert.match(id, new RegExp(node.name.replaceAll('.', '-')));
    assert.deepEqual([report.outcome, report.reasons, report.gaps, report.lost], ['removed', [], [], []]);
    assert.deepEqual([report.askedFor.by, report.askedFor.what], ['alice', `removal of ${node.name}`]);
    assert.deepEqual([node.state, node.evicted, node.type, node.gpus], ['removed', 2, 'p5.48xlarge', 8]);
    assert.match(node.instanceId ?? '', /^i-[0-9a-f]{17}$/);
    const times = [node.cordonedAtMs, node.emptyAtMs, node.toldAtMs, node.goneAtMs].map((atMs) => atMs ?? 0);
    assert.deepEqual(
      times.toSorted((a, b) => a - b),
      times,
    );
    assert.ok((times[0] ?? 0) > report.askedFor.atMs && (times.at(-1) ?? 0) < report.untilMs);
    assert.deepEqual([report.size.before?.desired, report.size.after], [4, 3]);
    assert.deepEqual([report.savedPerHour, report.currency, report.approval], [55, 'USD', 'never']);
    assert.deepEqual(
      report.timeline.map(({ by }) => by),
      ['alice', null, null, null, null, null, null],
    );
  });

  it('tells the same where the run was ended from outside and has no words left', async () => {
    const { happenings } = await recordedNodeRun('drain-remove', 'drainGpuNode');
    const [whole, cut] = [drainOf(happenings), drainOf(cutShort(happenings))];
    assert.deepEqual([cut.nodes, cut.size, cut.lost, cut.jobs], [whole.nodes, whole.size, whole.lost, whole.jobs]);
    assert.deepEqual([cut.outcome, cut.reasons], ['terminated', ['by eve']]);
    const own = whole.timeline.slice(1, -1).map(({ what }) => what);
    const told = cut.timeline.slice(1, -1).map(({ what }) => what);
    // that it is empty is the run's judgement, and in no event
    assert.deepEqual(
      told,
      own.filter((what) => !what.endsWith('is empty')),
    );
  });

  it('has the same of a node of Karpenter, which is of no group', async () => {
    const { happenings } = await recordedNodeRun('drain-karpenter', 'drainGpuNode');
    const [whole, cut] = [drainOf(happenings), drainOf(cutShort(happenings))];
    const [node] = whole.nodes;
    assert.ok(node !== undefined && node.toldAtMs !== null && node.goneAtMs !== null);
    assert.ok(node.toldAtMs > (node.emptyAtMs ?? Infinity) && node.goneAtMs > node.toldAtMs);
    assert.deepEqual([node.state, whole.group, whole.size, whole.lost], ['removed', null, NO_SIZE, []]);
    assert.deepEqual([cut.nodes, cut.size, cut.lost, cut.outcome], [whole.nodes, NO_SIZE, [], 'terminated']);
    const own = whole.timeline.slice(1, -1).map(({ what }) => what);
    assert.deepEqual(
      cut.timeline.slice(1, -1).map(({ what }) => what),
      own.filter((what) => !what.endsWith('is empty')),
    );
    const told = happenings.findIndex((one) => one.kind === 'activity' && one.name === 'deleteNodeClaim');
    const going = drainOf(cutShort(happenings.slice(0, told + 1)));
    assert.deepEqual(
      going.nodes.map(({ state, toldAtMs, goneAtMs }) => [state, toldAtMs, goneAtMs]),
      [['going', node.toldAtMs, null]],
    );
  });

  it('goes as far as it has come', async () => {
    const { happenings } = await recordedNodeRun('drain-remove', 'drainGpuNode');
    const until = happenings.findIndex((one) => one.kind === 'activity' && one.name === 'evictPods');
    const { outcome, untilMs, nodes, size } = drainOf(happenings.slice(0, until));
    assert.deepEqual([outcome, untilMs, size.after], ['under way', nowMs, null]);
    assert.deepEqual(
      nodes.map(({ state, evicted, toldAtMs }) => [state, evicted, toldAtMs]),
      [['cordoned', 0, null]],
    );
    const begun = drainOf(happenings.slice(0, 1));
    assert.deepEqual(begun.gaps, ['it had not read the nodes yet: nothing was planned']);
  });
});

describe('reading the report of an addition out of a recorded history', () => {
  it('has the order, and each node with how long it took until it could compute', async () => {
    const { happenings } = await recordedNodeRun('add-nodes', 'addGpuNodes');
    const report = additionOf(happenings);
    assert.deepEqual([report.outcome, report.reasons, report.gaps, report.loan], ['added', [], [], null]);
    assert.equal(report.askedFor.what, `2 more nodes of ${report.group}`);
    assert.deepEqual(
      report.orders.map(({ asked, usable, desired, said }) => [asked, usable, desired, said]),
      [[2, 2, { from: 4, to: 6, after: 6 }, []]],
    );
    assert.deepEqual(
      report.nodes.map(({ type, zone, usableAfterMs, missing }) => [type, zone, usableAfterMs, missing]),
      [
        ['p5.48xlarge', 'us-east-1a', 1_268, []],
        ['p5.48xlarge', 'us-east-1a', 1_268, []],
      ],
    );
    assert.deepEqual([report.costs?.costPerHour, report.costs?.currency, report.count], [110, 'USD', 2]);
  });

  it('tells the same where the run was ended from outside and has no words left', async () => {
    const { happenings } = await recordedNodeRun('add-nodes', 'addGpuNodes');
    const [whole, cut] = [additionOf(happenings), additionOf(cutShort(happenings))];
    assert.deepEqual([cut.orders, cut.nodes, cut.costs], [whole.orders, whole.nodes, whole.costs]);
    assert.equal(cut.timeline.length, whole.timeline.length);
  });
});

describe('reading a report wherever the run stands', () => {
  it('has something to say after each event, in the order of time', async () => {
    const runs = [
      [(await recordedNodeRun('drain-remove', 'drainGpuNode')).happenings, drainOf, drainPage],
      [(await recordedNodeRun('drain-karpenter', 'drainGpuNode')).happenings, drainOf, drainPage],
      [(await recordedNodeRun('add-nodes', 'addGpuNodes')).happenings, additionOf, additionPage],
    ] as const;
    for (const [happenings, reportOf, pageOf] of runs)
      for (let length = 1; length <= happenings.length; length += 1) {
        const report = reportOf(happenings.slice(0, length));
        const times = report.timeline.map(({ atMs }) => atMs);
        assert.deepEqual(
          times.toSorted((a, b) => a - b),
          times,
        );
        assert.match(pageText(pageOf(report as never)), /asked for/);
      }
  });

  it('tells what was typed by hand and cannot be read', () => {
    const started = (input: unknown): readonly Happening[] => [
      { atMs: 7, kind: 'started', workflow: '', firstRunId: 'r', input },
      { atMs: 9, kind: 'completed', result: { outcome: 'refused', reasons: ['give it a list'] } },
    ];
    for (const input of ['n1', null, { nodes: 'n1', count: 'two', requestedBy: 7 }]) {
      const [drain, addition] = [drainOf(started(input)), additionOf(started(input))];
      assert.deepEqual([drain.outcome, addition.outcome], ['refused', 'refused']);
      assert.deepEqual([drain.askedFor.by, addition.askedFor.by], ['?', '?']);
      assert.match(pageText(drainPage(drain)), /reason {4}give it a list/);
      assert.match(pageText(additionPage(addition)), /reason {4}give it a list/);
    }
  });
});

describe('reading runs that a run has begun out of a history', () => {
  it('has the id and the name of each', async () => {
    const eventTime = { seconds: 7 as never, nanos: 0 };
    const begun = {
      workflowExecution: { workflowId: 'drain-gpu-node.n1', runId: 'r' },
      workflowType: { name: 'drainGpuNode' },
    };
    const events = [{ eventTime, childWorkflowExecutionStartedEventAttributes: begun }];
    assert.deepEqual(await decodeHistory({ events }, {} as never), [
      { atMs: 7_000, kind: 'child', id: 'drain-gpu-node.n1', workflow: 'drainGpuNode' },
    ]);
  });
});

describe('reading the steps of a run on nodes', () => {
  const node = { name: 'n1', uid: 'u1', instanceId: 'i-01' };
  const claim = { name: 'gpu-7x', uid: 'c1' };
  const order = { group: 'gpu', owner: 'a/r' };
  const rows = [
    ['drainGpuNode', 'resolveDrainPolicy', null, { cluster: 'prod' }, { kind: 'policy', policy: { cluster: 'prod' } }],
    ['drainGpuNode', 'surveyDrain', {}, { nodes: [] }, { kind: 'survey', survey: { nodes: [] } }],
    ['drainGpuNode', 'cordonNode', { node }, 'cordoned', { kind: 'cordoned', node, answer: 'cordoned' }],
    ['drainGpuNode', 'requestCheckpoints', { jobs: ['j'] }, { pods: 2 }, { kind: 'checkpoints asked', jobs: ['j'] }],
    [
      'drainGpuNode',
      'awaitJobs',
      { jobs: ['j'] },
      { kind: 'finished' },
      { kind: 'jobs', jobs: ['j'], report: { kind: 'finished' } },
    ],
    ['drainGpuNode', 'claimCapacity', { workload: 'web' }, null, { kind: 'surge', workload: 'web' }],
    [
      'drainGpuNode',
      'evictPods',
      { node, pods: [] },
      { kind: 'empty' },
      { kind: 'evicted', node, pods: [], report: { kind: 'empty' } },
    ],
    ['drainGpuNode', 'terminateNode', { node }, { kind: 'asked' }, { kind: 'told', node, answer: { kind: 'asked' } }],
    ['drainGpuNode', 'awaitGone', { node }, { kind: 'gone' }, { kind: 'gone', node, report: { kind: 'gone' } }],
    [
      'drainGpuNode',
      'deleteNodeClaim',
      { node, claim },
      { kind: 'asked' },
      { kind: 'told', node, claim, answer: { kind: 'asked' } },
    ],
    [
      'drainGpuNode',
      'awaitClaimGone',
      { node, claim },
      { kind: 'gone' },
      { kind: 'gone', node, claim, report: { kind: 'gone' } },
    ],
    ['drainGpuNode', 'uncordonNode', { node }, 'uncordoned', { kind: 'given back', node, answer: 'uncordoned' }],
    ['addGpuNodes', 'resolveAdditionPolicy', null, { known: [] }, { kind: 'policy', policy: { known: [] } }],
    ['addGpuNodes', 'surveyNodeGroups', ['gpu'], { gpu: {} }, { kind: 'survey', surveys: { gpu: {} } }],
    ['addGpuNodes', 'orderNodes', order, 'update-1', { kind: 'ordered', order, updateId: 'update-1' }],
    [
      'addGpuNodes',
      'awaitNodes',
      { updateId: 'u' },
      { kind: 'usable' },
      { kind: 'looked', updateId: 'u', report: { kind: 'usable' } },
    ],
    ['addGpuNodes', 'raiseMinimum', order, { min: 6 }, { kind: 'minimum raised', order, min: 6 }],
    ['addGpuNodes', 'giveMinimumBack', order, { min: 1 }, { kind: 'minimum given back', order, min: 1 }],
    [
      'addGpuNodes',
      'takeBackNodes',
      order,
      { desired: 4, instances: 4 },
      { kind: 'taken back', order, desired: 4, instances: 4 },
    ],
  ] as const;
  const stepsOf = (procedure: NodeProcedure, happening: Happening) =>
    readNodeRun(procedure, { id: 'x', runId: 'r' }, [happening]).steps;
  for (const [procedure, name, input, result, step] of rows)
    it(`takes what ${name} has answered for ${step.kind}`, () =>
      assert.deepEqual(stepsOf(procedure, { atMs: 7, kind: 'activity', name, input, result }), [{ atMs: 7, ...step }]));

  it('has what people said, and the run that ends a loan, and nothing of what it does not know', () => {
    const by = { as: 'bob', note: 'why', forMs: 60_000 };
    assert.deepEqual(stepsOf('addGpuNodes', { atMs: 7, kind: 'update', name: 'extend', input: by, answer: null }), [
      { atMs: 7, kind: 'steered', name: 'extend', as: 'bob', note: 'why', words: { forMs: 60_000 } },
    ]);
    assert.deepEqual(stepsOf('addGpuNodes', { atMs: 7, kind: 'child', id: 'drain.n1', workflow: 'drainGpuNode' }), [
      { atMs: 7, kind: 'drain begun', id: 'drain.n1' },
    ]);
    for (const name of ['leaveTurn', 'hashIntent', 'toString'])
      assert.deepEqual(stepsOf('drainGpuNode', { atMs: 7, kind: 'activity', name, input: {}, result: {} }), []);
  });
});

describe('printing the report of a run on nodes', () => {
  it('says of each new node within what time it could compute', async () => {
    const report = additionOf((await recordedNodeRun('add-nodes', 'addGpuNodes')).happenings);
    const text = pageText(additionPage(report));
    assert.equal(text.match(/within 2s$/gm)?.length, 2);
    assert.match(text, /^ {2}usable {4}2 of 2$/m);
    assert.match(text, /^ {2}cost {6}at most 110 USD an hour$/m);
    assert.match(text, /4 → 6 {4}6$/m);
  });

  it('has a table of nodes, and the instance that was told to terminate', async () => {
    const report = drainOf((await recordedNodeRun('drain-remove', 'drainGpuNode')).happenings);
    const [node] = report.nodes;
    const text = pageText(drainPage(report));
    assert.match(text, /^drain-gpu-node\.n1 {2}removed$/m);
    assert.match(text, /^ {2}evicted {3}2 pods$/m);
    assert.match(text, /^ {2}size {6}4 → 3, minimum 1, maximum 6$/m);
    assert.match(
      text,
      /^ {2}node +instance +type +GPUs +became +pods evicted +cordoned +empty +told to terminate +gone$/m,
    );
    assert.match(text, new RegExp(`^ {2}${node?.name} +${node?.instanceId} +p5\\.48xlarge +8 +removed +2 +20`, 'm'));
    assert.match(pageMarkdown(drainPage(report)), /^\| node \| instance \| type \|/m);
  });

  it('says of a drain that keeps its nodes nothing of termination', async () => {
    const report = drainOf((await recordedNodeRun('drain-remove', 'drainGpuNode')).happenings);
    const kept = drainPage({ ...report, remove: false });
    assert.doesNotMatch(pageText(kept), /empty +told to terminate/);
    for (const { head, rows } of kept.tables) for (const row of rows) assert.equal(row.length, head.length);
  });

  it('has what AWS said, what is lost, and a loan, none of it as markup', async () => {
    const drain = drainOf((await recordedNodeRun('drain-remove', 'drainGpuNode')).happenings);
    const lost = pageText(drainPage({ ...drain, lost: ['i-0bad'] }));
    assert.match(lost, /^ {2}LOST {6}i-0bad: gone meanwhile, and not by headroom$/m);
    const added = additionOf((await recordedNodeRun('add-nodes', 'addGpuNodes')).happenings);
    const said = ['a launch failed: <b>no capacity</b> & more'];
    const page = additionPage({
      ...added,
      orders: added.orders.map((order) => ({ ...order, said })),
      nodes: added.nodes.map((node) => ({ ...node, usableAfterMs: null, missing: ['0 of 8 GPUs <registered>'] })),
      loan: { forMs: 14_400_000, returned: true, drains: ['drain-gpu-node.n1'] },
    });
    assert.match(pageText(page), /^ {2}AWS {7}gpu-\d+: a launch failed: <b>no capacity<\/b> & more$/m);
    assert.match(pageText(page), /^ {2}loan {6}for 4h: given back, by drain-gpu-node\.n1$/m);
    assert.match(pageText(page), /no: 0 of 8 GPUs <registered>$/m);
    const html = pageHtml(page);
    assert.match(html, /a launch failed: &lt;b&gt;no capacity&lt;\/b&gt; &amp; more/);
    assert.doesNotMatch(html, /<b>|<registered>/);
  });

  const loans = [
    { returned: true, drains: ['d'], says: 'given back, by d' },
    { returned: false, drains: ['d'], says: 'not given back, or not all of it, by d' },
    { returned: null, drains: [], says: 'not over' },
  ];
  for (const { says, ...of } of loans)
    it(`says of a loan that it is ${says}`, async () => {
      const added = additionOf((await recordedNodeRun('add-nodes', 'addGpuNodes')).happenings);
      const text = pageText(additionPage({ ...added, loan: { forMs: 60_000, ...of } }));
      assert.match(text, new RegExp(`^ {2}loan +for 1m: ${says}$`, 'm'));
    });
});
