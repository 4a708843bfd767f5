import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CapacityPlan } from '../../domain/capacity-plan.ts';
import type { RunStatus } from '../../domain/procedures.ts';
import { runDetails } from '../../workflows/details.ts';

const plan: CapacityPlan = {
  procedure: 'preScale',
  cluster: 'tensafe-prod',
  workload: 'web',
  governor: { kind: 'horizontalPodAutoscaler', name: 'web-hpa', uid: 'uid-1' },
  event: { name: 'sale', startMs: 0, endMs: 60_000 },
  leadMs: 0,
  scaleAtMs: 0,
  target: {
    replicas: 12,
    base: null,
    baseHeld: null,
    clampedFrom: null,
    floor: { from: 3, to: 12 },
    ceiling: { from: 20, to: 29 },
  },
  ceilingReplicas: 30,
  availableWithinMs: 1_000,
  quiet: { windowMs: 1_000, askAfterMs: 1_000, metrics: ['cpu'] },
  windDown: { percent: 20, everyMs: 1_000 },
  currency: 'USD',
  costPerHour: null,
  costCeiling: null,
  approval: { rule: 'never', expiresAfterMs: 0 },
  warnings: [],
  dashboards: [],
};

function aStatus(target: number | null): RunStatus {
  return {
    procedure: 'preScale',
    subject: 'web',
    event: plan.event,
    requestedBy: 'alice',
    phase: 'holding',
    sinceMs: 0,
    plan,
    planHash: null,
    target,
    holdsBy: 'floor',
    claim: null,
    approval: null,
    suspended: null,
    question: null,
    lapses: [],
    next: { what: 'the event ends', atMs: 60_000 },
    available: null,
    timeline: [],
  };
}

describe('the page of a run', () => {
  const rows: readonly (readonly [what: string, target: number | null, floor: number, maximum: number])[] = [
    ['as planned', null, 12, 29],
    ['as it was amended', 14, 14, 30],
    ['as it was amended to less', 8, 8, 25],
  ];
  for (const [what, target, floor, maximum] of rows)
    it(`shows floor and maximum ${what}`, () => {
      const page = runDetails(aStatus(target));
      assert.match(page, new RegExp(`\\| floor \\| 3 \\| ${floor} \\|\n\\| maximum \\| 20 \\| ${maximum} \\|`));
    });

  it('names a conflict with its repair, and shows no maximum above what the other autoscaler lets stand', () => {
    const conflict = { reason: 'two autoscalers; the repair', maximum: 14 };
    const page = runDetails({
      ...aStatus(null),
      plan: { ...plan, conflict, target: { ...plan.target, ceiling: { from: 10, to: 14 } } },
    });
    assert.match(page, /\| maximum \| 10 \| 14 \|/);
    assert.match(page, /\*\*Conflict:\*\* two autoscalers; the repair/);
  });

  it('shows what a change of a configuration sets, until when, and what can be sent', () => {
    const differences = Array.from({ length: 20 }, (_, index) => `value${index}: 1 -> 2`);
    const configuration = {
      procedure: 'configureAutoscaler',
      cluster: 'tensafe-prod',
      workload: 'web',
      what: 'calm',
      governor: { kind: 'horizontalPodAutoscaler', name: 'web-hpa', uid: 'uid-1' },
      changes: [],
      differences,
      untilMs: 60_000,
      ailing: [],
      warnings: ['it is held'],
    } as const;
    const of = (untilMs: number | null) =>
      runDetails({
        ...aStatus(null),
        procedure: 'configureAutoscaler',
        plan: null,
        configuration: { ...configuration, untilMs },
      });
    assert.match(of(60_000), /\*\*Settings\*\* of web-hpa, until 1970-01-01T00:01:00Z:\n- value0: 1 -> 2\n/);
    assert.match(of(60_000), /- value11: 1 -> 2\n- …\n\n- it is held/);
    assert.match(of(60_000), /`endNow`/);
    assert.doesNotMatch(of(60_000), /amendFloor|suspend/);
    assert.doesNotMatch(of(null), /endNow/);
  });
});
