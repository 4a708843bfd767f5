import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { capacityPage } from '../../client/report-capacity.ts';
import { pageText } from '../../client/report-page.ts';
import { reportOf } from '../../domain/report.ts';
import type { RunStep } from '../../domain/run-facts.ts';
import { recordedEnding } from '../harness/recorded.ts';

const nowMs = Date.now();

/** What Temporal keeps of one run of each procedure, and nothing else: no worker answers. */
const rows = [
  {
    ending: 'emergency-freeze-hpa',
    workflow: 'emergency-scale-up',
    askedFor: '× 2 at once',
    mode: 'freeze',
    asks: [{ floor: 6, freezeScaleIn: true }],
    floors: [6, 5, 4, 3],
    ceilings: [12, 12, 12, 10],
    frozen: [true, false, false, false],
  },
  {
    ending: 'emergency-pause-keda',
    workflow: 'emergency-scale-up',
    askedFor: '× 2 at once',
    mode: 'pause',
    asks: [{ pin: 6 }],
    floors: [6, 5, 4, 3],
    ceilings: [6, 12, 12, 10],
    frozen: [false, false, false, false],
  },
  {
    ending: 'hold-freeze-hpa',
    workflow: 'hold-capacity',
    askedFor: 'no scale-in for 2h',
    mode: 'freeze',
    asks: [{ freezeScaleIn: true }],
    floors: [3, 3],
    ceilings: [10, 10],
    frozen: [true, false],
  },
  {
    ending: 'hold-pause-keda',
    workflow: 'hold-capacity',
    askedFor: 'exactly the count of now for 25s',
    mode: 'pause',
    asks: [{ pin: 3 }],
    floors: [3, 3],
    ceilings: [3, 10],
    frozen: [false, false],
  },
] as const;

describe('reading the reports of emergencies and holds out of recorded histories', () => {
  for (const { ending, workflow, askedFor, mode, asks, floors, ceilings, frozen } of rows)
    it(`finds in ${ending} how it holds, every write with its reason, and the owner’s values`, async () => {
      const { run, ledger } = await recordedEnding(ending, workflow);
      const report = reportOf({ run, status: null, ledger, nowMs });
      assert.deepEqual([report.outcome, report.restored, report.gaps, report.drift], ['done', true, [], []]);
      assert.deepEqual([report.askedFor.what, report.mode], [askedFor, mode]);
      const claimed = run.steps.flatMap((step) => (step.kind === 'claimed' && step.asks !== null ? [step.asks] : []));
      assert.deepEqual(
        claimed.map(({ floor, pin, freezeScaleIn }) => JSON.stringify({ floor, pin, freezeScaleIn })),
        asks.map((one) => JSON.stringify(one)),
      );
      const { writes, counts } = report;
      assert.deepEqual(
        writes.map(({ floor }) => floor.to),
        floors,
      );
      assert.deepEqual(
        writes.map(({ ceiling }) => ceiling.to),
        ceilings,
      );
      assert.deepEqual(
        writes.map((write) => write.frozen),
        frozen,
      );
      assert.match(writes[0]?.why ?? '', /^for .*, asked for by /);
      assert.equal(writes.at(-1)?.why, 'the owner’s values are back');
      assert.deepEqual([counts.before?.floor, counts.before?.ceiling], [3, 10]);
      assert.deepEqual([counts.after?.floor, counts.after?.ceiling], [3, 10]);
      // the plan stands in no event: it is made again, with what it warned of
      const warned = reportOf({ run: { ...run, steps: run.steps.map(ownedByHelm) }, status: null, ledger, nowMs });
      assert.match(warned.warnings.join('\n'), /Helm/i);
    });

  it('finds who cancelled an emergency, and why', async () => {
    const { run, ledger } = await recordedEnding('emergency-cancelled-hpa', 'emergency-scale-up');
    const { outcome, steered, writes, restored, timeline } = reportOf({ run, status: null, ledger, nowMs });
    assert.deepEqual([outcome, restored], ['cancelled', true]);
    assert.deepEqual(
      steered.map(({ what, note }) => [what, note]),
      [['cancelled the run', 'a false alarm']],
    );
    assert.deepEqual(
      writes.map(({ floor }) => floor.to),
      [6, 5, 4, 3],
    );
    assert.ok(timeline.some(({ what }) => what === 'asked the ledger for at least 6, no scale-in'));
  });

  it('finds each alert that joined an emergency and called it back, and what was measured', async () => {
    const { run, ledger } = await recordedEnding('emergency-alerts', 'emergency-scale-up');
    const report = reportOf({ run, status: null, ledger, nowMs });
    assert.deepEqual(
      report.alerts.map(({ name, firings, resolved }) => [name, firings, resolved]),
      [
        ['TensafeEmergencyLatency', 2, 1],
        ['TensafeErrorSpike', 1, 1],
      ],
    );
    assert.equal(report.askedFor.trigger, 'alert TensafeEmergencyLatency');
    assert.ok(report.evidence.length > 0);
    assert.deepEqual(report.steered, []);
    const text = pageText(capacityPage(report));
    assert.match(text, /^ {2}alert {5}TensafeEmergencyLatency ×2, told \S+ to \S+, 1 of them resolved$/m);
    // heard of and over within one second
    assert.match(text, /^ {2}alert {5}TensafeErrorSpike, told \S+, resolved$/m);
    assert.match(text, /^ {2}evidence {2}\S.*, 20\d\d-\S+Z$/m);
    assert.match(text, /^ {2}event .* at the latest$/m);
  });
});

describe('reading the report of steps out of recorded histories', () => {
  it('finds each step up with its write, and what fired', async () => {
    const { run, ledger } = await recordedEnding('steps', 'step-scale');
    const report = reportOf({ run, status: null, ledger, nowMs });
    assert.deepEqual([report.outcome, report.restored], ['done', true]);
    assert.equal(report.askedFor.what, 'steps by the trigger table');
    assert.deepEqual(
      report.writes.slice(0, 2).map(({ floor }) => [floor.from, floor.to]),
      [
        [3, 5],
        [5, 7],
      ],
    );
    assert.equal(report.counts.during?.floor, 12);
    assert.deepEqual(
      report.alerts.map(({ name }) => name),
      ['HighCpu', 'QueueBackup', 'LowLoad'],
    );
    assert.ok(report.timeline.some(({ what }) => what.startsWith('high-cpu: from 5 to 7')));
    const warned = reportOf({ run: { ...run, steps: run.steps.map(ownedByHelm) }, status: null, ledger, nowMs });
    assert.match(warned.warnings.join('\n'), /Helm/i);
    // the maximum of the plan of the first step, where nothing is left of the ledger
    const alone = reportOf({ run, status: null, ledger: null, nowMs });
    assert.deepEqual([alone.counts.during?.floor, alone.counts.during?.ceiling], [12, 12]);
    assert.match(alone.gaps.join(), /history is gone/);
  });
});

function ownedByHelm(step: RunStep): RunStep {
  if (step.kind !== 'survey' || step.survey.kind !== 'found') return step;
  const gitOps = { tool: 'helm', name: 'shop', evidence: 'label app.kubernetes.io/managed-by' } as const;
  const { state } = step.survey;
  const autoscalers = state.autoscalers.map((one) => ({ ...one, gitOps }));
  return { ...step, survey: { kind: 'found', state: { ...state, autoscalers } } };
}
