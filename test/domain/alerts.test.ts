import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { judgeAge, noticeOf, oneLine, routeAlert } from '../../domain/alerts.ts';
import type { AlertRule, TriggerPolicy } from '../../domain/policy.ts';

const HOUR_MS = 3_600_000;
const trigger: TriggerPolicy = {
  workload: 'web',
  metric: 'cpu',
  when: 'above',
  threshold: 70,
  forMs: 60_000,
  pods: 2,
  cooldownMs: 180_000,
};
const alertRules: Readonly<Record<string, AlertRule>> = {
  Latency: { procedure: 'emergencyScaleUp', workload: 'web' },
  Cpu: { procedure: 'stepScale', trigger: 'high-cpu' },
  Errors: { procedure: 'emergencyScaleUp', workload: 'web', match: { severity: 'critical', team: 'shop' } },
  DatasourceNoData: { procedure: 'emergencyScaleUp', workload: 'web' },
};
const policy = { alertRules, triggers: { 'high-cpu': trigger } };

const cases: readonly { readonly name: string; readonly labels: Record<string, string>; readonly to: object }[] = [
  {
    name: 'takes a known name to its workload',
    labels: { alertname: 'Latency', namespace: '../kube-system' },
    to: { procedure: 'emergencyScaleUp', workload: 'web', rule: 'Latency', starts: true },
  },
  {
    name: 'takes a step to the workload of its trigger',
    labels: { alertname: 'Cpu', workload: 'another' },
    to: { procedure: 'stepScale', workload: 'web', rule: 'Cpu', starts: true },
  },
  {
    name: 'takes it when all labels match',
    labels: { alertname: 'Errors', severity: 'critical', team: 'shop', more: 'x' },
    to: { procedure: 'emergencyScaleUp', workload: 'web', rule: 'Errors', starts: true },
  },
  {
    name: 'names every label that does not match',
    labels: { alertname: 'Errors', severity: 'Critical' },
    to: { kind: 'not allowed', reason: 'alertRules.Errors.match asks for another severity, team' },
  },
  {
    name: 'starts nothing for the alerts of a data source that does not answer, whatever the list says',
    labels: { alertname: 'DatasourceNoData' },
    to: {
      kind: 'not allowed',
      reason: 'DatasourceNoData tells of the monitoring and not of the load; it starts nothing',
    },
  },
  ...['Unknown', '', 'latency', '__proto__', 'constructor', 'toString'].map((alertname) => ({
    name: `does not know ${JSON.stringify(alertname)}`,
    labels: { alertname },
    to: { kind: 'not allowed', reason: 'not in the allow-list; alertRules of headroom.yaml says what is' },
  })),
];

describe('routing an alert', () => {
  for (const { name, labels, to } of cases) it(name, () => assert.deepEqual(routeAlert(policy, { labels }), to));

  it('gives, whatever the labels say, a route that the file has written or none', () => {
    const names = fc.oneof(fc.constantFrom(...Object.keys(alertRules)), fc.string());
    const labels = fc.dictionary(fc.string(), fc.string());
    fc.assert(
      fc.property(names, labels, (alertname, others) => {
        const route = routeAlert(policy, { labels: { ...others, alertname } });
        return 'kind' in route || (route.workload === 'web' && Object.hasOwn(alertRules, route.rule));
      }),
    );
  });
});

describe('judging whether an alert is news', () => {
  it('suppresses what began more than 24 hours ago', () => {
    const startsAtMs = Date.UTC(2026, 10, 27);
    assert.equal(judgeAge({ startsAtMs, status: 'firing' }, startsAtMs + 24 * HOUR_MS), undefined);
    assert.deepEqual(judgeAge({ startsAtMs, status: 'firing' }, startsAtMs + 24 * HOUR_MS + 1), {
      kind: 'suppressed',
      by: 'older than 24h',
    });
  });
  it('lets through that it is over, which the run that it started has to hear', () => {
    const startsAtMs = Date.UTC(2026, 10, 27);
    assert.equal(judgeAge({ startsAtMs, status: 'resolved' }, startsAtMs + 48 * HOUR_MS), undefined);
  });
});

describe('making a notice', () => {
  const alert = {
    fingerprint: 'c0ffee',
    status: 'firing' as const,
    labels: { alertname: 'Latency', pod: 'x' },
    startsAtMs: Date.UTC(2026, 10, 27, 9),
  };

  it('has one key for one firing, and no labels', () => {
    assert.deepEqual(noticeOf({ ...alert, summary: 'p95 is\r\n\u0007 250 ms' }), {
      key: 'c0ffee@2026-11-27T09:00:00.000Z',
      name: 'Latency',
      status: 'firing',
      startsAtMs: alert.startsAtMs,
      summary: 'p95 is 250 ms',
    });
    assert.ok(!('summary' in noticeOf({ ...alert, summary: ' \n ' })));
  });

  it('cuts any text to one clean line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), fc.nat({ max: 300 }), (text, extra) => {
        const line = oneLine(text + 'x\u202e\n'.repeat(extra), 200);
        return Array.from(line).length <= 200 && !/[\p{Cc}\u202e\u2028\u2029]/u.test(line) && line.isWellFormed();
      }),
    );
  });
});
