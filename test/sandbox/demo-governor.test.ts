import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readWrites } from '../../sandbox/demo-governor.ts';

const directory = mkdtempSync(join(tmpdir(), 'headroom-demo-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const at = (second: number): string => new Date(Date.UTC(2026, 10, 28, 17, 0, second)).toISOString();
const line = (second: number, floor: number, claims: readonly string[], over: object = {}): string =>
  JSON.stringify({
    stage: 'ResponseComplete',
    verb: 'patch',
    stageTimestamp: at(second),
    userAgent: 'headroom/0.1.0 capacity.tensafe-server/r1',
    objectRef: { name: 'tensafe-hpa', namespace: 'tensafe' },
    responseStatus: { code: 200 },
    responseObject: {
      metadata: { annotations: { 'headroom.dev/claims': JSON.stringify(claims.map((id) => ({ id }))) } },
      spec: { minReplicas: floor, maxReplicas: 20 },
    },
    ...over,
  });

function auditOf(...lines: readonly string[]): string {
  const file = join(directory, 'audit.log');
  writeFileSync(file, lines.join('\n'));
  return file;
}

describe('reading headroom’s writes out of the audit log', () => {
  it('tells each from then on with the floor before it and the runs that claim', () => {
    const file = auditOf(
      line(1, 6, ['pre-scale.a/r1']),
      line(5, 12, ['pre-scale.a/r1', 'emergency.a/r2']),
      line(9, 10, ['emergency.a/r2']),
    );
    assert.deepEqual(readWrites(file, Date.parse(at(5))), [
      { atMs: Date.parse(at(5)), floorBefore: 6, floor: 12, runs: ['pre-scale.a', 'emergency.a'] },
      { atMs: Date.parse(at(9)), floorBefore: 12, floor: 10, runs: ['emergency.a'] },
    ]);
  });

  it('reads the floor of a ScaledObject too', () => {
    const objectRef = { name: 'tensafe-scaledobject', namespace: 'tensafe' };
    const responseObject = { metadata: {}, spec: { minReplicaCount: 7 } };
    assert.equal(readWrites(auditOf(line(1, 0, [], { objectRef, responseObject })), 0)[0]?.floor, 7);
  });

  for (const [what, over] of [
    ['somebody else’s', { userAgent: 'kubectl/v1.36', sourceIPs: ['headroom/'] }],
    ['one that was refused', { responseStatus: { code: 422 } }],
    ['one to another object', { objectRef: { name: 'tensafe-server', namespace: 'tensafe' } }],
    ['one in another namespace', { objectRef: { name: 'tensafe-hpa', namespace: 'lane-7' } }],
    ['one that is under way', { stage: 'ResponseStarted' }],
  ] as const) {
    it(`leaves out ${what}`, () => assert.deepEqual(readWrites(auditOf(line(1, 6, [], over)), 0), []));
  }

  it('leaves out a line that is still being written', () => {
    assert.equal(readWrites(auditOf(line(1, 6, []), line(2, 12, []).slice(0, 200)), 0).length, 1);
  });
});
