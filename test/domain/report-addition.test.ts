import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AdditionFacts, AdditionStep } from '../../domain/node-run-facts.ts';
import type { NodeOrder } from '../../domain/node-group.ts';
import type { RunResult, RunStatus } from '../../domain/procedures.ts';
import { additionReportOf } from '../../domain/report-addition.ts';
import type { RunEnd } from '../../domain/run-facts.ts';
import type { NewNode, OrderStanding } from '../../domain/usable-nodes.ts';
import { ADDITION_POLICY, aSurvey } from './addition-builders.ts';

const T = Date.UTC(2026, 10, 27, 8);
const at = (seconds: number) => T + seconds * 1_000;
const NO_CAPACITY = 'InsufficientInstanceCapacity: we have none of p5.48xlarge in us-east-1a';

const policy: AdditionStep = { atMs: at(1), kind: 'policy', policy: ADDITION_POLICY };
const survey: AdditionStep = { atMs: at(2), kind: 'survey', surveys: { 'gpu-workers': aSurvey() } };
const orderOf = (count: number, group = 'gpu-workers'): NodeOrder => {
  const before = { min: 1, max: 10, desired: 4 };
  const raised = { ...before, desired: 4 + count };
  return { group, autoScalingGroup: `eks-${group}`, before, raised, owner: 'add/r1' };
};
const ordered = (seconds: number, count: number, group = 'gpu-workers'): AdditionStep => {
  return { atMs: at(seconds), kind: 'ordered', order: orderOf(count, group), updateId: `update-${group}` };
};
const newNode = (n: number, missing: readonly string[] = []): NewNode => {
  const still = { type: 'p5.48xlarge', zone: 'us-east-1a' };
  return { instanceId: `i-0${n}`, ...still, node: { name: `n${n}`, uid: `uid-n${n}` }, missing };
};
const looked = (
  seconds: number,
  nodes: readonly NewNode[],
  { reasons, failures = [], group = 'gpu-workers' }: Partial<Looked> = {},
): AdditionStep => {
  const standing = { nodes, failures: failures.map((why, index) => ({ id: `a${index}`, why })) };
  const report = { standing, ...(reasons !== undefined && { reasons }) };
  return { atMs: at(seconds), kind: 'looked', updateId: `update-${group}`, orderedAtMs: at(10), report };
};
interface Looked {
  readonly reasons: readonly string[];
  readonly failures: readonly OrderStanding['failures'][number]['why'][];
  readonly group: string;
}
const takenBack = (seconds: number, desired: number, group = 'gpu-workers'): AdditionStep => {
  return { atMs: at(seconds), kind: 'taken back', order: orderOf(2, group), desired, instances: desired };
};

function report(
  steps: readonly AdditionStep[],
  {
    end = null,
    status = null,
    request = {},
  }: { readonly end?: RunEnd | null; readonly status?: RunStatus | null; readonly request?: object } = {},
) {
  const asked = { group: 'gpu-workers', count: 2, requestedBy: 'alice', ...request };
  const frame = { id: 'add-gpu-nodes.gpu-workers', runId: 'r1', startedAtMs: at(0), end };
  const run: AdditionFacts = { ...frame, procedure: 'addGpuNodes', request: asked, steps };
  return additionReportOf({ run, status, nowMs: at(900) });
}

describe('reporting what an addition was asked for', () => {
  const rows = [
    { request: {}, what: '2 more nodes of gpu-workers' },
    { request: { count: 1, reason: 'a long run' }, what: '1 more node of gpu-workers' },
    { request: { orElse: ['spare', 'spot'] }, what: '2 more nodes of gpu-workers, or of spare, spot' },
    { request: { forMs: 14_400_000 }, what: '2 more nodes of gpu-workers, for 4h' },
  ];
  for (const { request, what } of rows)
    it(`says ${what}`, () => {
      const { askedFor, timeline } = report([policy, survey], { request });
      assert.deepEqual([askedFor.what, askedFor.by], [what, 'alice']);
      assert.equal(askedFor.note, 'reason' in request ? request.reason : null);
      assert.deepEqual(timeline[0], { atMs: at(0), what: `asked for ${what}`, by: 'alice' });
    });

  it('has what it was to cost, whether a second person had to approve, and nothing before it had read the group', () => {
    const { costs, approval, gaps } = report([policy, survey], { request: { forMs: 7_200_000 } });
    assert.deepEqual(
      [costs?.costPerHour, costs?.costCeiling, costs?.currency, approval],
      [110.08, 220.16, 'USD', 'always'],
    );
    assert.deepEqual(gaps, []);
    const early = report([policy]);
    assert.deepEqual([early.costs, early.approval], [null, null]);
    assert.deepEqual(early.gaps, ['it had not read the group yet: nothing was planned']);
  });
});

const SPARE = { limits: { min: 1, max: 20 }, instanceTypes: ['p5-48xlarge'] };

describe('reporting the orders of an addition', () => {
  const rows: readonly {
    readonly name: string;
    readonly steps: readonly AdditionStep[];
    readonly usable: number;
    readonly after: number | null;
    readonly said: readonly string[];
  }[] = [
    { name: 'that is under way', steps: [], usable: 0, after: null, said: [] },
    { name: 'that came', steps: [looked(90, [newNode(1), newNode(2)])], usable: 2, after: 6, said: [] },
    {
      name: 'of which one came, and the rest was taken back',
      steps: [
        looked(60, [newNode(1, ['it is not Ready'])], {
          reasons: [`a launch failed: ${NO_CAPACITY}`],
          failures: [NO_CAPACITY],
        }),
        takenBack(70, 5),
        looked(71, [newNode(1, ['it is not Ready'])], {
          reasons: ['0 of 1 new nodes are usable'],
          failures: [NO_CAPACITY],
        }),
        looked(95, [newNode(1)]),
      ],
      usable: 1,
      after: 5,
      said: [`a launch failed: ${NO_CAPACITY}`],
    },
    {
      name: 'that AWS refused to launch twice in the same words',
      steps: [
        looked(60, [], { reasons: [`a launch failed: ${NO_CAPACITY}`], failures: [NO_CAPACITY] }),
        looked(80, [], { reasons: [`a launch failed: ${NO_CAPACITY}`], failures: [NO_CAPACITY, NO_CAPACITY] }),
        takenBack(81, 4),
      ],
      usable: 0,
      after: 4,
      said: [`a launch failed: ${NO_CAPACITY}`],
    },
    {
      name: 'that came although a launch had failed before',
      steps: [looked(90, [newNode(1), newNode(2)], { failures: [NO_CAPACITY] })],
      usable: 2,
      after: 6,
      said: [NO_CAPACITY],
    },
    {
      name: 'that EKS gave up',
      steps: [
        looked(20, [], { reasons: ['EKS has given the update up (Failed): NodeCreationFailure, x'] }),
        takenBack(30, 4),
      ],
      usable: 0,
      after: 4,
      said: ['EKS has given the update up (Failed): NodeCreationFailure, x'],
    },
  ];
  for (const { name, steps, usable, after, said } of rows)
    it(`tells of one ${name}`, () => {
      const { orders } = report([policy, survey, ordered(11, 2), ...steps]);
      assert.deepEqual(orders, [
        { atMs: at(11), group: 'gpu-workers', asked: 2, desired: { from: 4, to: 6, after }, usable, said },
      ]);
    });

  it('has the groups in the order in which they were asked, each with its own looks and words', () => {
    const steps = [
      ordered(11, 2),
      looked(30, [newNode(1)], { reasons: [`a launch failed: ${NO_CAPACITY}`], failures: [NO_CAPACITY] }),
      takenBack(40, 5),
      { atMs: at(45), kind: 'survey', surveys: { spare: aSurvey() } },
      ordered(50, 1, 'spare'),
      looked(90, [newNode(2)], { group: 'spare' }),
    ] as const;
    const two = {
      ...policy,
      policy: { ...ADDITION_POLICY, nodeGroups: { ...ADDITION_POLICY.nodeGroups, spare: SPARE } },
    };
    const first: AdditionStep = {
      atMs: at(2),
      kind: 'survey',
      surveys: { 'gpu-workers': aSurvey(), spare: aSurvey() },
    };
    const said = report([two, first, ...steps], { request: { orElse: ['spare'] } });
    const { orders, nodes, costs } = said;
    // of the whole request, though the later look is of the rest
    assert.equal(costs?.costPerHour, 110.08);
    assert.deepEqual(
      orders.map(({ group, asked, usable, desired, said }) => [group, asked, usable, desired.after, said.length]),
      [
        ['gpu-workers', 2, 1, 5, 1],
        ['spare', 1, 1, 5, 0],
      ],
    );
    assert.deepEqual(
      nodes.map(({ name, group }) => [name, group]),
      [
        ['n1', 'gpu-workers'],
        ['n2', 'spare'],
      ],
    );
  });
});

describe('reporting what an order left', () => {
  it('takes what was taken back of one group for nothing of another', () => {
    const steps = [ordered(11, 2), ordered(50, 1, 'spare'), takenBack(60, 4, 'spare')];
    assert.deepEqual(
      report([policy, survey, ...steps]).orders.map(({ desired }) => desired.after),
      [null, 4],
    );
  });
});

describe('reporting the nodes that came', () => {
  it('has how long each took until it was seen to be usable, and what it lacked', () => {
    const nodes = [newNode(1), newNode(2, ['0 of 8 GPUs are registered'])];
    const steps = [
      ordered(11, 2),
      looked(70, nodes, { reasons: ['1 of 2 new nodes are usable'] }),
      takenBack(75, 6),
      looked(76, [newNode(1), newNode(2)]),
      looked(95, [newNode(1), newNode(2), newNode(3, ['its node has not joined'])]),
    ];
    assert.deepEqual(
      report([policy, survey, ...steps]).nodes.map(({ name, usableAfterMs, missing }) => [
        name,
        usableAfterMs,
        missing,
      ]),
      [
        ['n1', 60_000, []],
        ['n2', 66_000, []],
        ['n3', null, ['its node has not joined']],
      ],
    );
  });

  it('names an instance whose node has not joined by its id', () => {
    const node = { ...newNode(1, ['its node has not joined']), node: null };
    const { nodes } = report([policy, survey, ordered(11, 1), looked(20, [node], { reasons: ['late'] })]);
    assert.deepEqual([nodes[0]?.name, nodes[0]?.instanceId], [null, 'i-01']);
  });
});

describe('reporting a loan', () => {
  const lent = { forMs: 14_400_000 };
  const drains: AdditionStep = { atMs: at(500), kind: 'drain begun', id: 'drain-gpu-node.n1' };
  const result = (returned: boolean): RunEnd => {
    const told: RunResult = { outcome: 'added', reasons: [], asked: 2, nodes: [], returned, timeline: [] };
    return { atMs: at(600), kind: 'completed', result: told };
  };
  const rows = [
    { name: 'is none', request: {}, steps: [], end: result(false), loan: null },
    {
      name: 'is under way',
      request: lent,
      steps: [],
      end: null,
      loan: { forMs: 14_400_000, returned: null, drains: [] },
    },
    {
      name: 'was given back by a run of its own',
      request: lent,
      steps: [drains],
      end: result(true),
      loan: { forMs: 14_400_000, returned: true, drains: ['drain-gpu-node.n1'] },
    },
    {
      name: 'was not given back',
      request: lent,
      steps: [drains],
      end: result(false),
      loan: { forMs: 14_400_000, returned: false, drains: ['drain-gpu-node.n1'] },
    },
  ];
  for (const { name, request, steps, end, loan } of rows)
    it(`says that it ${name}`, () => assert.deepEqual(report([policy, survey, ...steps], { request, end }).loan, loan));

  it('has the drain that ends it in the timeline, which the run’s own words leave out', () => {
    const { timeline } = report([policy, survey, drains], { request: lent, end: result(true) });
    assert.deepEqual(
      timeline.slice(1, -1).map(({ what }) => what),
      ['drain-gpu-node.n1 drains and removes what was lent'],
    );
  });
});

describe('reporting how an addition went, where the run’s own words are lost', () => {
  const minimum = (kind: 'minimum raised' | 'minimum given back', min: number): AdditionStep => {
    return { atMs: at(100), kind, order: orderOf(2), min };
  };
  const rows = [
    { step: ordered(11, 2), says: '2 more nodes of gpu-workers are ordered: 4 -> 6' },
    { step: looked(60, [newNode(1), newNode(2)]), says: '2 new nodes can compute' },
    { step: looked(60, [], { reasons: ['a', 'b'] }), says: 'a; b' },
    { step: minimum('minimum raised', 6), says: 'the minimum of gpu-workers is 6 for a while' },
    { step: minimum('minimum given back', 1), says: 'the minimum of gpu-workers is 1 again' },
    { step: minimum('minimum given back', 3), says: 'the minimum of gpu-workers is 3' },
    { step: takenBack(70, 5), says: 'gpu-workers wants 5 nodes and has 5: nothing more is on order' },
  ];
  for (const { step, says } of rows)
    it(`says ${says}`, () => assert.equal(report([policy, survey, step]).timeline.at(-1)?.what, says));

  it('has who cancelled it, who approved it, and what was taken back then', () => {
    const steps: readonly AdditionStep[] = [
      { atMs: at(5), kind: 'steered', name: 'approve', as: 'bob', note: null, words: {} },
      ordered(11, 2),
      { atMs: at(20), kind: 'cancelled', as: 'carol', note: 'too dear' },
      takenBack(21, 4),
    ];
    const { timeline, steered, outcome } = report([policy, survey, ...steps], {
      end: { atMs: at(22), kind: 'cancelled' },
    });
    assert.equal(outcome, 'cancelled');
    assert.deepEqual(
      steered.map(({ by, what, note }) => [by, what, note]),
      [
        ['bob', 'approved the plan', null],
        ['carol', 'cancelled the run', 'too dear'],
      ],
    );
    assert.deepEqual(
      timeline.slice(1).map(({ by, what }) => [by, what]),
      [
        ['bob', 'approved the plan'],
        [null, '2 more nodes of gpu-workers are ordered: 4 -> 6'],
        ['carol', 'cancelled the run (too dear)'],
        [null, 'gpu-workers wants 4 nodes and has 4: nothing more is on order'],
        [null, 'ended: cancelled'],
      ],
    );
  });

  it('takes the words of a worker that answers', () => {
    const status = { timeline: [{ atMs: at(12), what: 'in its own words' }] } as unknown as RunStatus;
    assert.deepEqual(
      report([policy, survey, ordered(11, 2)], { status })
        .timeline.slice(1)
        .map(({ what }) => what),
      ['in its own words'],
    );
  });
});
