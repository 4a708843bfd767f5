import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openAuditTail } from '../../bench/audit-tail.ts';

const aWrite = (name: string, over: object = {}) =>
  `${JSON.stringify({
    verb: 'patch',
    userAgent: 'headroom/1',
    stageTimestamp: '2026-01-01T00:00:00.250500Z',
    responseStatus: { code: 200 },
    objectRef: { namespace: 'shops', resource: 'deployments', name },
    ...over,
  })}\n`;

describe('reading when each of many Deployments was written', () => {
  const directory = mkdtempSync(join(tmpdir(), 'headroom-audit-'));
  const file = join(directory, 'audit.log');
  before(() => writeFileSync(file, aWrite('a', { stageTimestamp: '2025-01-01T00:00:00.000000Z' })));
  after(() => rmSync(directory, { recursive: true }));

  it('takes the first success of headroom after it was opened, and leaves out who was not written', async () => {
    const audit = openAuditTail(file);
    appendFileSync(
      file,
      [
        aWrite('a', { responseStatus: { code: 409 }, stageTimestamp: '2026-01-01T00:00:00.100000Z' }),
        aWrite('a', { verb: 'update', stageTimestamp: '2026-01-01T00:00:00.150000Z' }),
        aWrite('a', { userAgent: 'kubectl', stageTimestamp: '2026-01-01T00:00:00.200000Z' }),
        aWrite('a'),
        aWrite('a', { stageTimestamp: '2026-01-01T00:00:09.000000Z' }),
        aWrite('b', { objectRef: { namespace: 'shops', resource: 'replicasets', name: 'b' } }),
        aWrite('b', { objectRef: { namespace: 'others', resource: 'deployments', name: 'b' } }),
        aWrite('c', { stageTimestamp: '2026-01-01T00:00:01.000000Z' }),
      ].join(''),
    );
    const patched = await audit.untilEachPatched({ namespace: 'shops', names: ['a', 'b'] }, { withinMs: 100 });
    assert.deepEqual([...patched], [['a', Date.parse('2026-01-01T00:00:00.250Z') + 0.5]]);
  });

  it('answers as soon as all are written', async () => {
    const audit = openAuditTail(file);
    const startedMs = Date.now();
    const patched = audit.untilEachPatched({ namespace: 'shops', names: ['a', 'b'] }, { withinMs: 60_000 });
    appendFileSync(file, aWrite('b') + aWrite('a'));
    assert.deepEqual([...(await patched).keys()].toSorted(), ['a', 'b']);
    assert.ok(Date.now() - startedMs < 30_000);
  });
});
