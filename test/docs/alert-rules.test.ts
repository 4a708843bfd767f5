import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadPolicy } from '../../adapters/policy-file.ts';
import { formatDuration } from '../../domain/duration.ts';
import type { Policy } from '../../domain/policy.ts';

/** The example's alert rules say what its policy says; the policy has no words for what stands in `OURS`. */
interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly AlertRule[] }[];
}

const EXAMPLE = 'examples/tensafe';
const FILES = [
  {
    name: 'tensafe-rules.yaml',
    policyFiles: ['headroom.yaml'],
    window: '5m',
    ours: { TensafeEmergencyLatency: '1m', TensafeErrorSpike: '2m' },
  },
  {
    name: 'demo-rules.yaml',
    policyFiles: ['headroom.yaml', 'demo.yaml'],
    window: '15s',
    ours: { TensafeEmergencyLatency: '5s', TensafeErrorSpike: '5s' },
  },
] as const;

const readText = (path: string): Promise<string> => readFile(path, 'utf8');
const words = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const ERRORS = (window: string): string => {
  const rate = (more = '') =>
    `sum(rate(tensafe_http_requests_total{job="tensafe",namespace="tensafe"${more}}[${window}]))`;
  return `100 * ${rate(',code=~"5.."')} / ${rate()} > 5 and ${rate()} > 1`;
};

function queryOf({ workloads }: Policy, workload: string, metric: string): string {
  const found = workloads[workload]?.load.find(({ name }) => name === metric);
  return found?.query ?? assert.fail(`${workload} has no ${metric}`);
}

/** What the policy makes of an alert: its expression, and its time where the policy has one. */
function wanted(policy: Policy, alert: string, window: string): { readonly expr: string; readonly for?: string } {
  const rule = policy.alertRules[alert] ?? assert.fail(`the policy does not allow ${alert}`);
  if (alert === 'TensafeErrorSpike') return { expr: ERRORS(window) };
  if (rule.procedure === 'emergencyScaleUp') {
    const { latencyMetric, rows } = policy.decisionMatrix ?? assert.fail('the policy has no decisionMatrix');
    const above = rows.find(({ action }) => action === 'emergencyScaleUp')?.latency.from;
    return { expr: `${queryOf(policy, rule.workload, latencyMetric)} > ${above}` };
  }
  const trigger = policy.triggers[rule.trigger] ?? assert.fail(`the policy has no trigger ${rule.trigger}`);
  const { workload, metric, when, threshold, forMs } = trigger;
  const healthy = policy.workloads[workload]?.dataHealthy ?? assert.fail(`${workload} has no dataHealthy`);
  const limit = when === 'above' ? `> ${threshold}` : `< ${threshold} and ${healthy} == 1`;
  return { expr: `${queryOf(policy, workload, metric)} ${limit}`, for: formatDuration(forMs) };
}

for (const { name, policyFiles, window, ours } of FILES) {
  const file = parse(await readText(`${EXAMPLE}/alerts/${name}`)) as RuleFile;
  const rules = file.groups.flatMap((group) => group.rules);
  const policy = await loadPolicy(policyFiles.map((one) => `${EXAMPLE}/${one}`));

  describe(`the alert rules of ${name}`, () => {
    it('are one for each name that the policy allows, and no other', () => {
      assert.deepEqual(rules.map(({ alert }) => alert).toSorted(), Object.keys(policy.alertRules).toSorted());
    });

    for (const rule of rules) {
      it(`ask for ${rule.alert} what the policy asks, for as long`, () => {
        const { expr, for: forText = new Map(Object.entries(ours)).get(rule.alert) } = wanted(
          policy,
          rule.alert,
          window,
        );
        assert.equal(words(rule.expr), words(expr));
        assert.equal(rule.for, forText);
      });
    }

    it('page for an emergency and for nothing else', () => {
      for (const { alert, labels } of rules) {
        const isEmergency = policy.alertRules[alert]?.procedure === 'emergencyScaleUp';
        assert.equal(labels['severity'] === 'critical', isEmergency, alert);
      }
    });

    it('tell a person what is wrong and where to read on', async () => {
      for (const { alert, annotations } of rules) {
        assert.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook_url'], alert);
        const [, page = '', anchor] = /\/(docs\/[\w-]+\.md)#([\w-]+)$/.exec(annotations['runbook_url'] ?? '') ?? [];
        const headings = [...(await readText(page)).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
          heading
            .toLowerCase()
            .replaceAll(/[^\w\s-]/g, '')
            .replaceAll(' ', '-'),
        );
        assert.ok(headings.includes(anchor ?? ''), annotations['runbook_url']);
      }
    });
  });
}

describe('the series that the alert rules read', () => {
  it('are in the table at the top of headroom.yaml', async () => {
    const text = await readText(`${EXAMPLE}/headroom.yaml`);
    const rules = await readText(`${EXAMPLE}/alerts/tensafe-rules.yaml`);
    const names = new Set([...rules.matchAll(/([A-Za-z_:][\w:]*)\{(?=\w+=)/g)].map(([, name]) => name));
    assert.ok(names.size >= 7, [...names].join());
    for (const name of names) assert.match(text, new RegExp(`^# {3}${name} `, 'm'));
    assert.match(text, /^# {3}tensafe_http_requests_total .*\bcode\b/m);
  });
});
