import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideHold } from '../../domain/hold.ts';
import type { HoldFacts } from '../../domain/hold-targets.ts';
import type { FieldWriter, Governor } from '../../domain/workload.ts';

const HPA: Governor = {
  kind: 'horizontalPodAutoscaler',
  workloadKind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  uid: 'uid-1',
  hasAnnotations: true,
  hasLabels: true,
  fields: { floor: 3, ceiling: 10 },
  marks: {},
  ignored: false,
};

function decide(governor: Governor, of: Partial<HoldFacts> = {}) {
  const decision = decideHold({
    governor,
    liveReplicas: 6,
    claims: [{ id: 'emergency.web/r1', floor: 6, freezeScaleIn: true, reason: 'it burns' }],
    generation: 1,
    skipSteps: false,
    policy: { limits: { min: 1, max: 12 }, windDown: { percent: 20, everyMs: 300_000 } },
    nowMs: Date.UTC(2026, 10, 27, 8, 30),
    ...of,
  });
  assert.equal(decision.kind, 'change');
  return decision;
}

/** Held by us, and then without the freeze. */
function thawed(writers: readonly FieldWriter[]): Governor {
  const { change } = decide(HPA);
  const values = Object.fromEntries(
    change.fields.flatMap(({ field, to }) => (field === 'freeze' ? [] : [[field, to] as const])),
  );
  const marks = Object.fromEntries(change.marks.map(({ mark, to }) => [mark, to]));
  return { ...HPA, fields: { ...HPA.fields, ...values }, marks, writers };
}

describe('who took a freeze off', () => {
  const rows = [
    { given: 'nobody who is known', writers: [], by: 'somebody' },
    { given: 'nobody but us', writers: [['headroom', 5]], by: 'somebody' },
    {
      given: 'another after us',
      writers: [
        ['headroom', 5],
        ['argocd-controller', 6],
      ],
      by: 'argocd-controller',
    },
    {
      given: 'another in the same second, in whatever order the server tells',
      writers: [
        ['argocd-controller', 5],
        ['headroom', 5],
      ],
      by: 'argocd-controller',
    },
    {
      given: 'whoever wrote it before us',
      writers: [
        ['kubectl-create', 4],
        ['headroom', 5],
      ],
      by: 'somebody',
    },
  ] as const;
  for (const { given, writers, by } of rows)
    it(`is ${by} given ${given}`, () => {
      const all = writers.map(([manager, atMs]): FieldWriter => ({ field: 'freeze', manager, atMs }));
      const { standing } = decide(thawed(all), {
        generation: 2,
        reapply: { overPersons: true, overControllers: true },
      });
      assert.deepEqual(standing.overruled, { field: 'freeze', found: false, wanted: true, by, person: false });
    });
});
