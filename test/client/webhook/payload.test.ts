import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { WEBHOOK_LIMITS } from '../../../client/webhook/limits.ts';
import { readPayload } from '../../../client/webhook/payload.ts';
import { aBatch, anAlert } from './world.ts';

const read = (payload: unknown, sender: 'alertmanager' | 'grafana' = 'alertmanager') =>
  readPayload(Buffer.from(JSON.stringify(payload)), sender, WEBHOOK_LIMITS);

function faultsOf(payload: unknown) {
  const reading = read(payload);
  return reading.kind === 'faults' ? reading.faults : [];
}

describe('reading a notification', () => {
  it('takes what it needs and leaves the rest', () => {
    assert.deepEqual(read({ ...aBatch(anAlert()), truncatedAlerts: 2, more: { unknown: [1] } }), {
      kind: 'batch',
      batch: {
        alerts: [
          {
            fingerprint: 'c0ffee',
            status: 'firing',
            labels: { alertname: 'Latency' },
            startsAtMs: Date.UTC(2026, 10, 27, 9, 0, 0, 123),
            summary: 'p95 over 200 ms',
          },
        ],
        truncatedAlerts: 2,
      },
    });
  });

  it('reads a time with an offset, alerts without annotations, and none at all', () => {
    const { annotations: _, ...alert } = anAlert({ startsAt: '2026-11-27T10:00:00+01:00' });
    const reading = read({ ...aBatch(alert, { ...alert, annotations: null }), truncatedAlerts: undefined });
    assert.ok(reading.kind === 'batch');
    assert.deepEqual(
      reading.batch.alerts.map(({ startsAtMs }) => startsAtMs),
      Array(2).fill(Date.UTC(2026, 10, 27, 9)),
    );
    assert.equal(read(aBatch()).kind, 'batch');
    assert.equal(read({ ...aBatch(), version: '1' }, 'grafana').kind, 'batch');
  });

  it('names every fault with its path and what would be accepted', () => {
    const { fingerprint: _, ...anonymous } = anAlert();
    const payload = {
      ...aBatch(
        { ...anAlert({ status: 'pending' }), labels: { alertname: 'A', nested: {} } },
        { ...anonymous, startsAt: 'yesterday', labels: null },
      ),
      version: '3',
      truncatedAlerts: -1,
    };
    const time = 'a time with its offset, such as 2026-11-27T09:00:00Z';
    assert.deepEqual(
      faultsOf(payload).toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      [
        { path: 'alerts.0.labels.nested', found: 'a map', accepted: 'a text' },
        { path: 'alerts.0.status', found: '"pending"', accepted: 'firing or resolved' },
        { path: 'alerts.1.fingerprint', found: 'nothing', accepted: 'hexadecimal digits' },
        { path: 'alerts.1.labels', found: 'null', accepted: 'a map of texts' },
        { path: 'alerts.1.startsAt', found: '"yesterday"', accepted: time },
        { path: 'truncatedAlerts', found: '-1', accepted: 'a whole number, 0 or more' },
        { path: 'version', found: '"3"', accepted: '"4", the only version of this payload' },
      ],
    );
    assert.deepEqual(faultsOf([]), [{ path: '', found: 'a list of 0', accepted: 'a map with version and alerts' }]);
  });

  it('names twenty faults and counts the others', () => {
    const reading = read(aBatch(...Array.from({ length: 30 }, () => anAlert({ status: 'pending' }))));
    assert.ok(reading.kind === 'faults');
    assert.deepEqual([reading.faults.length, reading.more], [20, 10]);
  });

  it('says one short thing of a megabyte of faults', () => {
    const labels = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [String(i), 0]));
    for (const payload of [{ ...aBatch(), alerts: Array(400_000).fill(0) }, aBatch({ ...anAlert(), labels })])
      assert.ok(JSON.stringify(read(payload)).length < 3_000);
  });

  it('has an answer for any bytes, and for anything in place of a part', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(readPayload(Buffer.from(bytes), 'alertmanager', WEBHOOK_LIMITS).kind, 'faults');
      }),
    );
    const key = fc.constantFrom('status', 'labels', 'annotations', 'startsAt', 'fingerprint', '__proto__');
    fc.assert(
      fc.property(key, fc.jsonValue(), (key, value) => {
        const reading = read(aBatch({ ...anAlert(), [key]: value }));
        if (reading.kind === 'faults')
          return reading.faults.every(({ path, found }) => path.startsWith('alerts.0.') && found.length < 100);
        return reading.batch.alerts.length === 1 && !Number.isNaN(reading.batch.alerts[0]?.startsAtMs);
      }),
    );
  });
});
