import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GovernorWrite } from '../../domain/ledger-writes.ts';
import type { RunResult } from '../../domain/procedures.ts';
import { reportOf, type Report } from '../../domain/report.ts';
import type { RunEnd, RunFacts, RunStep } from '../../domain/run-facts.ts';

const T = Date.UTC(2026, 10, 27, 8);
const at = (seconds: number) => T + seconds * 1_000;
const SELF = 'pre-scale.web.sale';
const OTHER = 'pre-scale.web.launch';

const SALE = { name: 'sale', startMs: at(60), endMs: at(600) };

const aRun = (over: Partial<RunFacts> = {}): RunFacts => ({
  id: SELF,
  runId: 'r1',
  asked: {
    procedure: 'preScale',
    request: {
      workload: 'web',
      event: SALE,
      target: { kind: 'replicas', replicas: 8 },
      requestedBy: 'alice@laptop',
    },
  },
  startedAtMs: at(0),
  steps: [],
  end: null,
  ...over,
});
const claimed: RunStep = { atMs: at(10), kind: 'claimed', asks: { floor: 8 } };
const cancelled: RunEnd = { atMs: at(100), kind: 'cancelled' };
const aWrite = (seconds: number, floor: number, over: Partial<GovernorWrite> = {}): GovernorWrite => ({
  atMs: at(seconds),
  floor,
  ceiling: 20,
  generation: seconds,
  why: '',
  frozen: false,
  held: true,
  wantedFloor: floor,
  baselineFloor: 3,
  owners: [SELF],
  ...over,
});
const report = (
  run: RunFacts,
  ledger: readonly GovernorWrite[] | null = [],
  status: Parameters<typeof reportOf>[0]['status'] = null,
): Report => reportOf({ run, status, ledger, nowMs: at(900) });
const steered = (name: string, words: Readonly<Record<string, unknown>> = {}, note: string | null = null): RunStep => ({
  atMs: at(50),
  kind: 'steered',
  name,
  as: 'bob',
  note,
  words,
});

describe('reporting how a run ended', () => {
  const result: RunResult = { outcome: 'refused', reasons: ['no such workload'] };
  const cases: readonly {
    readonly end: RunEnd | null;
    readonly outcome: string;
    readonly reasons: readonly string[];
  }[] = [
    { end: null, outcome: 'under way', reasons: [] },
    { end: cancelled, outcome: 'cancelled', reasons: [] },
    {
      end: { atMs: at(9), kind: 'terminated', as: 'eve', reason: 'stuck' },
      outcome: 'terminated',
      reasons: ['by eve: stuck'],
    },
    { end: { atMs: at(9), kind: 'terminated', as: 'eve', reason: '' }, outcome: 'terminated', reasons: ['by eve'] },
    { end: { atMs: at(9), kind: 'failed', reason: 'a bug' }, outcome: 'failed', reasons: ['a bug'] },
    { end: { atMs: at(9), kind: 'completed', result }, outcome: 'refused', reasons: ['no such workload'] },
  ];
  for (const { end, outcome, reasons } of cases)
    it(`says ${outcome}${reasons.length === 0 ? '' : `, ${reasons[0]}`}`, () => {
      const said = report(aRun({ end }));
      assert.deepEqual([said.outcome, said.reasons, said.untilMs], [outcome, reasons, end?.atMs ?? at(900)]);
    });
});

describe('reporting who steered', () => {
  const cases = [
    { step: steered('endNow'), what: 'declared the event over', endMs: at(50) },
    { step: steered('skipWait'), what: 'skipped the wait for quiet', endMs: at(600) },
    { step: steered('extend', { forMs: 90_000 }), what: 'extended the event by 1m30s', endMs: at(690) },
    { step: steered('amendFloor', { floor: 9 }), what: 'asked for a floor of 9', endMs: at(600) },
    { step: steered('toString'), what: 'sent toString', endMs: at(600) },
    { step: steered('approve', { planHash: 'ab' }), what: 'approved the plan', endMs: at(600) },
    { step: steered('somethingNew', { why: 'ab' }), what: 'sent somethingNew, why "ab"', endMs: at(600) },
  ];
  for (const { step, what, endMs } of cases)
    it(`knows who ${what}, and when the event ends since`, () => {
      const { steered: rows, event, plannedEndMs } = report(aRun({ steps: [step] }));
      assert.deepEqual(rows, [{ atMs: at(50), by: 'bob', what, note: null }]);
      assert.deepEqual([event.endMs, plannedEndMs], [endMs, at(600)]);
    });

  it('puts who it was beside the run’s own words, and says nothing twice', () => {
    const timeline = [{ atMs: at(51), what: 'the floor went from 8 to 9 by bob (carts)' }];
    const status = { timeline, event: SALE, plan: null } as unknown as Parameters<typeof report>[2];
    const said = report(aRun({ steps: [steered('amendFloor', { floor: 9 }, 'carts')] }), [], status).timeline;
    assert.deepEqual(said.slice(1), [{ atMs: at(51), what: 'the floor went from 8 to 9 (carts)', by: 'bob' }]);
  });

  it('adds what the run’s own words leave out', () => {
    const status = { timeline: [], event: SALE, plan: null } as unknown as Parameters<typeof report>[2];
    const said = report(aRun({ steps: [steered('suspend', {}, 'wait for me')] }), [], status).timeline;
    assert.deepEqual(said.slice(1), [{ atMs: at(50), what: 'suspended the run (wait for me)', by: 'bob' }]);
  });

  it('has a cancellation in the timeline, with its note, before the run’s end', () => {
    const cancel: RunStep = { atMs: at(90), kind: 'cancelled', as: 'carol', note: 'no sale' };
    const said = report(aRun({ steps: [claimed, cancel], end: cancelled })).timeline;
    assert.deepEqual(
      said.map(({ by, what }) => [by, what]),
      [
        ['alice@laptop', 'asked for 8 replicas for sale'],
        [null, 'asked the ledger for at least 8'],
        ['carol', 'cancelled the run (no sale)'],
        [null, 'ended: cancelled'],
      ],
    );
  });

  it('has it also where the run names the same person for something else', () => {
    const timeline = [{ atMs: at(51), what: 'the floor went from 8 to 9 by carol' }];
    const status = { timeline, event: SALE, plan: null } as unknown as Parameters<typeof report>[2];
    const steps: readonly RunStep[] = [
      { ...steered('amendFloor', { floor: 9 }), as: 'carol' } as RunStep,
      { atMs: at(90), kind: 'cancelled', as: 'carol', note: null },
    ];
    assert.deepEqual(
      report(aRun({ steps }), [], status)
        .timeline.slice(1)
        .map(({ what, by }) => [by, what]),
      [
        ['carol', 'the floor went from 8 to 9'],
        ['carol', 'cancelled the run'],
      ],
    );
  });

  it('says what the ledger did not grant', () => {
    const state = { claimId: '', generation: 1, floor: 3, reason: 'reverted by argocd', state: 'contested' } as const;
    const { timeline } = report(aRun({ steps: [{ atMs: at(70), kind: 'told', state }] }));
    assert.deepEqual(timeline.at(-1), {
      atMs: at(70),
      what: 'the claim is contested: reverted by argocd',
      by: 'the ledger',
    });
  });
});

describe('reporting what a run did, where its own words are lost', () => {
  const counts = { floor: 3, ceiling: 10, replicas: 4, available: 4 };
  const owners = { uid: 'u', floor: 3, ceiling: 10 };
  const home = (otherClaims: number) =>
    ({ kind: 'released', restored: otherClaims === 0, otherClaims, owners, counts }) as const;
  const cases: readonly { readonly step: RunStep; readonly says: string | undefined }[] = [
    { step: claimed, says: 'asked the ledger for at least 8' },
    {
      step: { atMs: at(20), kind: 'looked', verdict: { kind: 'available', replicas: 8, reasons: [] } },
      says: '8 available',
    },
    {
      step: { atMs: at(20), kind: 'looked', verdict: { kind: 'short', replicas: 5, reasons: ['no room'] } },
      says: 'short: 5 available; no room',
    },
    { step: { atMs: at(20), kind: 'quiet', reasons: [] }, says: 'the load is low' },
    { step: { atMs: at(20), kind: 'quiet', reasons: ['cpu 80 %'] }, says: 'the load is not low: cpu 80 %' },
    { step: { atMs: at(20), kind: 'load back', reasons: ['cpu 90 %'] }, says: 'the load is back: cpu 90 %' },
    { step: { atMs: at(20), kind: 'let go' }, says: 'let go; the ledger winds down' },
    { step: { atMs: at(20), kind: 'released', report: home(0) }, says: 'the owner’s values are back' },
    { step: { atMs: at(20), kind: 'released', report: home(2) }, says: '2 other claims still hold the workload' },
    {
      step: { atMs: at(20), kind: 'released', report: { kind: 'vanished', reason: 'web is gone' } },
      says: 'web is gone',
    },
    { step: { atMs: at(20), kind: 'room', warnings: ['full'] }, says: undefined },
  ];
  for (const { step, says } of cases)
    it(`says ${says ?? `nothing of ${step.kind}`}`, () =>
      assert.equal(report(aRun({ steps: [step] })).timeline[1]?.what, says));

  it('has how the workload was left from the last look at it', () => {
    const said = report(
      aRun({ steps: [claimed, { atMs: at(20), kind: 'released', report: home(0) }], end: cancelled }),
    );
    assert.deepEqual([said.counts.after, said.restored, said.drift], [counts, true, []]);
  });
});

describe('reporting the writes', () => {
  const home = (seconds: number) => aWrite(seconds, 3, { held: false, owners: [], ceiling: 10 });
  const cases: readonly {
    readonly name: string;
    readonly end: RunEnd | null;
    readonly ledger: readonly GovernorWrite[];
    readonly kept: readonly number[];
  }[] = [
    { name: 'leaves out those before the run', end: null, ledger: [aWrite(-5, 5), aWrite(11, 8)], kept: [11] },
    {
      name: 'ends with the run where the owner’s values were back by then',
      end: cancelled,
      ledger: [aWrite(11, 8), home(99), aWrite(101, 8, { owners: [OTHER] })],
      kept: [11, 99],
    },
    {
      name: 'goes on to the owner’s values where the run was ended from outside',
      end: { atMs: at(100), kind: 'terminated', as: 'eve', reason: '' },
      ledger: [aWrite(11, 8), aWrite(120, 5, { owners: [], wantedFloor: 3 }), home(140), aWrite(200, 8)],
      kept: [11, 120, 140],
    },
    {
      name: 'goes on to what other claims want, and no further',
      end: { atMs: at(100), kind: 'terminated', as: 'eve', reason: '' },
      ledger: [aWrite(11, 8), aWrite(120, 5, { owners: [OTHER] }), aWrite(140, 9, { owners: [OTHER] })],
      kept: [11, 120],
    },
  ];
  for (const { name, end, ledger, kept } of cases)
    it(name, () =>
      assert.deepEqual(
        report(aRun({ end, steps: [claimed] }), ledger).writes.map(({ generation }) => generation.to),
        kept,
      ),
    );

  it('says from what to what, and begins from the owner’s floor after each hold', () => {
    const ledger = [aWrite(1, 8), aWrite(2, 6, { ceiling: 18 }), home(3), aWrite(4, 7, { baselineFloor: 4 })];
    const { writes } = report(aRun({ steps: [claimed] }), ledger);
    assert.deepEqual(
      writes.map(({ floor, ceiling, generation }) => [floor, ceiling, generation].map(({ from, to }) => [from, to])),
      [
        [
          [3, 8],
          [null, 20],
          [null, 1],
        ],
        [
          [8, 6],
          [20, 18],
          [1, 2],
        ],
        [
          [6, 3],
          [18, 10],
          [2, 3],
        ],
        [
          [4, 7],
          [null, 20],
          [3, 4],
        ],
      ],
    );
  });

  const gaps = [
    { name: 'the ledger’s history is gone', steps: [claimed], ledger: null, says: /history is gone/ },
    { name: 'what was asked for stood already', steps: [claimed], ledger: [], says: /wrote nothing/ },
  ];
  for (const { name, steps, ledger, says } of gaps)
    it(`says so when ${name}`, () => assert.match(report(aRun({ steps, end: cancelled }), ledger).gaps.join(), says));

  it('misses nothing where nothing was asked for', () =>
    assert.deepEqual(report(aRun({ end: cancelled }), null).gaps, []));
});
