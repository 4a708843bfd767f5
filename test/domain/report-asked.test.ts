import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AlertNotice } from '../../domain/alerts.ts';
import type { RunStatus } from '../../domain/procedures.ts';
import { reportOf, type Report } from '../../domain/report.ts';
import type { RunFacts, RunStep } from '../../domain/run-facts.ts';
import { readRunRequest, type RunRequest } from '../../domain/run-request.ts';

const T = Date.UTC(2026, 10, 27, 8);
const at = (seconds: number) => T + seconds * 1_000;
const HOUR_MS = 3_600_000;

const aRun = (asked: RunRequest, steps: readonly RunStep[] = []): RunFacts => ({
  id: 'a-run',
  runId: 'r1',
  asked,
  startedAtMs: at(0),
  steps,
  end: null,
});
const report = (run: RunFacts, status: RunStatus | null = null): Report =>
  reportOf({ run, status, ledger: [], nowMs: at(900) });
const of = (procedure: RunRequest['procedure'], request: object): RunRequest =>
  readRunRequest(procedure, { workload: 'web', requestedBy: 'alice', ...request }, T);

/** Only what a report reads of it, which is all but the workload's own limits. */
const policyStep = (over: object = {}) =>
  ({
    atMs: at(1),
    kind: 'policy',
    policy: { cluster: 'prod' },
    emergency: { factor: 2, mode: 'freeze' },
    maxHoldMs: 4 * HOUR_MS,
    ...over,
  }) as unknown as RunStep;
const emergency = of('emergencyScaleUp', { trigger: 'alert HighLatency' });
const steps = of('stepScale', { trigger: 'alert HighCpu' });

describe('reporting what was asked for', () => {
  const rows: readonly {
    readonly name: string;
    readonly asked: RunRequest;
    readonly policy?: RunStep;
    readonly what: string;
    readonly event: string;
    readonly lastsMs: number;
    readonly mode: Report['mode'];
    readonly trigger: string | null;
  }[] = [
    {
      name: 'an emergency of an alert, by its policy',
      asked: emergency,
      policy: policyStep(),
      what: '× 2 at once',
      event: 'alert HighLatency',
      lastsMs: 4 * HOUR_MS,
      mode: 'freeze',
      trigger: 'alert HighLatency',
    },
    {
      name: 'an emergency of a person, whose words come before the policy',
      asked: of('emergencyScaleUp', { factor: 3, mode: 'pause', reason: 'checkout is slow' }),
      policy: policyStep(),
      what: '× 3 at once',
      event: 'checkout is slow',
      lastsMs: 4 * HOUR_MS,
      mode: 'pause',
      trigger: null,
    },
    {
      name: 'an emergency that had not read its policy',
      asked: of('emergencyScaleUp', {}),
      what: 'more at once',
      event: 'emergency',
      lastsMs: 0,
      mode: null,
      trigger: null,
    },
    {
      name: 'steps',
      asked: steps,
      policy: policyStep({ emergency: undefined, maxHoldMs: HOUR_MS }),
      what: 'steps by the trigger table',
      event: 'alert HighCpu',
      lastsMs: HOUR_MS,
      mode: null,
      trigger: 'alert HighCpu',
    },
    {
      name: 'a hold that freezes',
      asked: of('holdCapacity', { mode: 'freeze', forMs: 2 * HOUR_MS, reason: 'maintenance' }),
      what: 'no scale-in for 2h',
      event: 'maintenance',
      lastsMs: 2 * HOUR_MS,
      mode: 'freeze',
      trigger: null,
    },
    {
      name: 'a hold that pauses, without a reason',
      asked: of('holdCapacity', { mode: 'pause', forMs: 90_000 }),
      what: 'exactly the count of now for 1m30s',
      event: 'autoscaler pause',
      lastsMs: 90_000,
      mode: 'pause',
      trigger: null,
    },
  ];
  for (const { name, asked, policy, what, event, lastsMs, mode, trigger } of rows)
    it(`says of ${name}: ${what}`, () => {
      const said = report(aRun(asked, policy === undefined ? [] : [policy]));
      assert.deepEqual(
        [said.procedure, said.askedFor.what, said.event.name, said.event.endMs - said.event.startMs],
        [asked.procedure, what, event, lastsMs],
      );
      assert.deepEqual([said.mode, said.askedFor.trigger, said.askedFor.by], [mode, trigger, 'alice']);
      assert.equal(said.timeline[0]?.what, `asked for ${what} for ${event}`);
    });

  it('tells what was typed by hand and cannot be read', () => {
    for (const procedure of ['preScale', 'emergencyScaleUp', 'stepScale', 'holdCapacity'] as const) {
      const said = report(aRun(readRunRequest(procedure, 'web', T)));
      assert.deepEqual([said.workload, said.askedFor.by], ['?', '?']);
    }
  });
});

describe('reporting until when it holds', () => {
  const status = (endMs: number) =>
    ({ timeline: [], event: { name: 'x', startMs: at(5), endMs }, plan: null }) as unknown as RunStatus;
  const extended: RunStep = {
    atMs: at(50),
    kind: 'steered',
    name: 'extend',
    as: 'bob',
    note: null,
    words: { forMs: 60_000 },
  };

  it('takes the run’s word for it, and calls nothing a change that nobody made', () => {
    const { event, plannedEndMs } = report(aRun(emergency, [policyStep()]), status(at(8_000)));
    assert.deepEqual([event.endMs, plannedEndMs], [at(8_000), at(8_000)]);
  });
  it('says what was planned where somebody moved it', () => {
    const { event, plannedEndMs } = report(aRun(emergency, [policyStep(), extended]));
    assert.deepEqual([event.endMs, plannedEndMs], [at(0) + 4 * HOUR_MS + 60_000, at(0) + 4 * HOUR_MS]);
  });
});

describe('reporting alerts', () => {
  const notice = (name: string, firing: number, status: AlertNotice['status'] = 'firing'): AlertNotice => ({
    key: `${name}${firing}@2026-11-27T08:00:00.000Z`,
    name,
    status,
    startsAtMs: T,
  });
  const told = (seconds: number, ...notices: readonly AlertNotice[]): RunStep => ({
    atMs: at(seconds),
    kind: 'alerts',
    notices,
  });
  const run = aRun(emergency, [
    told(1, notice('HighLatency', 1), notice('HighLatency', 2)),
    told(5, notice('HighLatency', 1), notice('ErrorSpike', 1)),
    told(9, notice('HighLatency', 2, 'resolved'), notice('ErrorSpike', 1, 'resolved')),
  ]);

  it('counts each firing once, and what is over of it', () =>
    assert.deepEqual(report(run).alerts, [
      { name: 'HighLatency', firings: 2, resolved: 1, firstAtMs: at(1), lastAtMs: at(9) },
      { name: 'ErrorSpike', firings: 1, resolved: 1, firstAtMs: at(5), lastAtMs: at(9) },
    ]));
  it('has them in the timeline where the run’s own words are lost, and calls nobody an operator for it', () => {
    const said = report(run);
    assert.deepEqual(said.steered, []);
    assert.deepEqual(
      said.timeline.slice(1).map(({ what }) => what),
      [
        'heard of alerts: HighLatency',
        'heard of alerts: HighLatency, ErrorSpike',
        'heard of alerts: HighLatency resolved, ErrorSpike resolved',
      ],
    );
  });
});

describe('reporting evidence', () => {
  const rows = [
    { kind: 'saturated', reason: 'queue is 80 requests, over 50', says: /^saturated: queue is 80/ },
    { kind: 'missing', reason: 'nothing is saturated', says: /^pods may not be what is missing: nothing is/ },
  ] as const;
  for (const { kind, reason, says } of rows)
    it(`has what was measured when it is ${kind}`, () => {
      const step: RunStep = { atMs: at(3), kind: 'evidence', evidence: { kind, reasons: [reason], readings: [] } };
      const { evidence, timeline } = report(aRun(emergency, [step]));
      assert.deepEqual(evidence, [{ atMs: at(3), kind, reasons: [reason] }]);
      assert.match(timeline[1]?.what ?? '', says);
    });
});

describe('reporting claims of each kind', () => {
  const rows = [
    { asks: { floor: 6, freezeScaleIn: true }, says: 'at least 6, no scale-in', replicas: 6 },
    { asks: { pin: 4 }, says: 'exactly 4', replicas: 4 },
    { asks: { freezeScaleIn: true }, says: 'no scale-in', replicas: null },
    { asks: null, says: 'capacity', replicas: null },
  ];
  for (const { asks, says, replicas } of rows)
    it(`says ${says}`, () => {
      const { timeline, counts } = report(aRun(emergency, [{ atMs: at(3), kind: 'claimed', asks }]));
      assert.equal(timeline[1]?.what, `asked the ledger for ${says}`);
      assert.equal(counts.during?.replicas, replicas);
    });
});
