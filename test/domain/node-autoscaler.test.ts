import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groupTroubles, type DiagnosisFacts } from '../../domain/diagnosis.ts';
import type { NodeAutoscaler } from '../../domain/node-autoscaler.ts';
import type { EventObservation } from '../../domain/pod-diagnosis.ts';
import { describeTrouble } from '../../domain/troubles.ts';
import { anEvent, aPod, unschedulable } from './diagnosis-builders.ts';

const minute = 60_000;
const nowMs = Date.UTC(2026, 10, 27, 9, 0);
const ago = (minutes: number) => nowMs - minutes * minute;
const present = (of: Partial<NodeAutoscaler & { kind: 'present' }> = {}): NodeAutoscaler => ({
  kind: 'present',
  atMs: nowMs,
  groups: [],
  ...of,
});
const busy = present({
  groups: [
    { name: 'web-asg', size: 4, maximum: 10 },
    { name: 'gpu-asg', size: 1, maximum: 4, backoff: 'InsufficientInstanceCapacity: no p5' },
    { name: 'spot-asg', size: 10, maximum: 10 },
  ],
});

/** What is told of one pod that has had no node for so many minutes, besides that. */
function told({
  sinceMinutes,
  events = [],
  ...facts
}: {
  readonly sinceMinutes?: number;
  readonly events?: readonly EventObservation[];
} & DiagnosisFacts): readonly string[] {
  const since = sinceMinutes === undefined ? {} : { unschedulableSinceMs: ago(sinceMinutes) };
  const pod = aPod({ conditions: unschedulable, containers: [], ...since });
  const [unplaced, ...others] = groupTroubles([pod], events, { nowMs, ...facts });
  assert.equal(unplaced?.kind, 'unschedulable');
  return others.map(describeTrouble);
}
const triggered = (minutesAgo: number) =>
  anEvent({
    reason: 'TriggeredScaleUp',
    message: 'pod triggered scale-up: [{web-asg 4->6 (max: 10)}]',
    atMs: ago(minutesAgo),
  });
const refused = anEvent({ reason: 'NotTriggerScaleUp', message: "pod didn't trigger scale-up", atMs: ago(1) });

describe('telling whether a node will come for a pod', () => {
  it('says to keep waiting while one is coming, and until when', () => {
    assert.deepEqual(told({ sinceMinutes: 3, events: [triggered(2)] }), [
      '1 pod for which a node is coming: TriggeredScaleUp: pod triggered scale-up: [{web-asg 4->6 (max: 10)}]; keep waiting, until 2026-11-27T09:13:00Z at most (web-1)',
    ]);
  });
  it("takes Karpenter's nomination for the same", () => {
    const nominated = anEvent({
      reason: 'Nominated',
      message: 'Pod should schedule on: nodeclaim/web-x',
      atMs: ago(0),
    });
    assert.match(
      told({ events: [nominated] })[0] ?? '',
      /^1 pod for which a node is coming: Nominated: .* until 2026-11-27T09:15:00Z/,
    );
  });
  it('gives up what did not come within 15 minutes, and says which group backs off', () => {
    const [late] = told({ sinceMinutes: 20, events: [triggered(16)], nodeAutoscaler: busy });
    assert.match(
      late ?? '',
      /^1 pod for which no node will come: TriggeredScaleUp: .* none came within 15m of 2026-11-27T08:44:00Z; gpu-asg backs off/,
    );
    assert.match(told({ events: [triggered(15)] })[0] ?? '', /a node is coming/, 'exactly 15 minutes are not over');
  });
  it('says plainly that none will come, and which groups back off or are at their maximum', () => {
    assert.deepEqual(told({ events: [refused], nodeAutoscaler: busy }), [
      "1 pod for which no node will come: NotTriggerScaleUp: pod didn't trigger scale-up; gpu-asg backs off (InsufficientInstanceCapacity: no p5), spot-asg is at its maximum of 10 (web-1)",
    ]);
    assert.match(told({ events: [refused], nodeAutoscaler: present() })[0] ?? '', /trigger scale-up \(web-1\)$/);
  });
  it('names five groups and counts the others', () => {
    const groups = Array.from({ length: 7 }, (_, index) => ({ name: `g${index}`, backoff: 'Backoff' }));
    assert.match(
      told({ events: [refused], nodeAutoscaler: present({ groups }) })[0] ?? '',
      /g4 backs off \(Backoff\) and 2 more \(web-1\)$/,
    );
  });
  it('says nothing while an autoscaler may still answer, or where no time is known', () => {
    const absent = { nodeAutoscaler: { kind: 'absent' } } as const;
    assert.deepEqual(told({ sinceMinutes: 0.9, ...absent }), []);
    assert.deepEqual(told(absent), []);
    const pod = aPod({ conditions: unschedulable, containers: [], unschedulableSinceMs: ago(9) });
    assert.equal(groupTroubles([pod], [], absent).length, 1);
  });
  it('says after a minute of silence that there is no autoscaler', () => {
    assert.deepEqual(told({ sinceMinutes: 1, nodeAutoscaler: { kind: 'absent' } }), [
      '1 pod for which no node will come: NoNodeAutoscaler: since 2026-11-27T08:59:00Z neither Cluster Autoscaler nor Karpenter has said a word of it, and kube-system/cluster-autoscaler-status does not exist; add nodes, or make room (web-1)',
    ]);
  });
  it('says so too where the status may not be read, and that it was not', () => {
    assert.match(told({ sinceMinutes: 1 })[0] ?? '', /cluster-autoscaler-status was not read\); add nodes/);
  });
  it('says that Cluster Autoscaler has fallen silent', () => {
    const nodeAutoscaler = present({ atMs: ago(6) });
    assert.match(
      told({ sinceMinutes: 2, nodeAutoscaler })[0] ?? '',
      /has not reported since 2026-11-27T08:54:00Z; see that it runs/,
    );
  });
  it('waits for one that runs, and tells why it may have nothing to say', () => {
    assert.deepEqual(told({ sinceMinutes: 2, nodeAutoscaler: present() }), []);
    assert.match(
      told({ sinceMinutes: 2, nodeAutoscaler: busy })[0] ?? '',
      /NoNodeYet: .*; gpu-asg backs off .*, spot-asg is at its maximum of 10/,
    );
  });
});
