import type { Condition, MetricsApi, ObservedAutoscaler, ScalingFacts } from './scaling-facts.ts';

/** One line of a status. */
export interface Finding {
  /** One word: 'metrics', 'hold'. */
  readonly what: string;
  readonly says: string;
  /** Nothing of headroom's mends it. */
  readonly needsPerson: boolean;
  /** What takes it away; absent where nothing has to. */
  readonly help?: string;
}

interface ConditionRule {
  readonly type: string;
  readonly status: 'True' | 'False';
  /** Absent: whatever the reason is. */
  readonly reason?: RegExp;
  readonly means: string;
  readonly needsPerson: boolean;
}

const fine = { needsPerson: false } as const;
const bad = { needsPerson: true } as const;
/** First match of a type wins. Of an HPA, as its controller words it (R20, R84). */
const HPA_RULES: readonly ConditionRule[] = [
  { type: 'ScalingActive', status: 'False', reason: /^ScalingDisabled$/, means: 'switched off at 0 replicas', ...fine },
  {
    type: 'ScalingActive',
    status: 'False',
    reason: /^AmbiguousSelector$/,
    means: 'another autoscaler has its pods too',
    ...bad,
  },
  { type: 'ScalingActive', status: 'False', means: 'its metrics are not read', ...bad },
  { type: 'ScalingActive', status: 'True', means: 'its metrics are read', ...fine },
  { type: 'AbleToScale', status: 'False', reason: /^Backoff/, means: 'it waits until it may scale again', ...fine },
  { type: 'AbleToScale', status: 'False', means: 'it cannot scale', ...bad },
  { type: 'ScalingLimited', status: 'True', means: 'it would have another count, but is limited', ...fine },
];
/** Of a ScaledObject. Its condition Paused tells nothing: a freeze sets it as well as a pause (R21). */
const SCALED_OBJECT_RULES: readonly ConditionRule[] = [
  { type: 'Ready', status: 'False', means: 'KEDA cannot work with it', ...bad },
  { type: 'Fallback', status: 'True', means: 'its triggers fail: it has its fallback count', ...bad },
  { type: 'Active', status: 'False', means: 'no trigger is active', ...fine },
  { type: 'Active', status: 'True', means: 'a trigger is active', ...fine },
];

/** What the conditions of an autoscaler say. */
export function judgeConditions(autoscaler: Conditioned): readonly Finding[] {
  if (autoscaler.conditions.length === 0)
    return [{ what: 'metrics', says: 'it has said nothing of itself yet', needsPerson: false }];
  return ruled(autoscaler).map(({ found, rule }) => ({
    what: 'metrics',
    says: `${rule.means}${inItsWords(found)}`,
    needsPerson: rule.needsPerson,
  }));
}

/** The conditions that need a person, by their type. */
export function findAilments(autoscaler: Conditioned): readonly { readonly type: string; readonly says: string }[] {
  return ruled(autoscaler)
    .filter(({ rule }) => rule.needsPerson)
    .map(({ found, rule }) => ({ type: found.type, says: `${rule.means}${inItsWords(found)}` }));
}

type Conditioned = Pick<ObservedAutoscaler, 'kind' | 'conditions'>;

function ruled({ kind, conditions }: Conditioned) {
  const rules = kind === 'scaledObject' ? SCALED_OBJECT_RULES : HPA_RULES;
  const types = [...new Set(rules.map(({ type }) => type))];
  return types.flatMap((type) => {
    const found = conditions.find((one) => one.type === type);
    const rule = found && rules.find((one) => isMatch(one, found));
    return found === undefined || rule === undefined ? [] : [{ found, rule }];
  });
}

function isMatch({ type, status, reason }: ConditionRule, found: Condition): boolean {
  return found.type === type && found.status === status && (reason === undefined || reason.test(found.reason));
}

function inItsWords({ type, status, reason, message }: Condition): string {
  return ` (${type}=${status}${reason === '' ? '' : `, ${reason}`}${message === '' ? '' : `: ${message}`})`;
}

/** Whether those answer from whom the workload's autoscalers have their metrics (R84). */
export function judgeMetricsApis(
  metricsApis: ScalingFacts['metricsApis'],
  needed: readonly string[],
): readonly Finding[] {
  if (metricsApis.kind === 'unread')
    return [{ what: 'api', says: `who serves metrics was not read: ${metricsApis.reason}`, needsPerson: false }];
  return needed.map((group) =>
    judgeApi(
      group,
      metricsApis.apis.find((one) => one.group === group),
    ),
  );
}

function judgeApi(group: string, api: MetricsApi | undefined): Finding {
  if (api === undefined)
    return {
      what: 'api',
      says: `nobody serves ${group}, from which its metrics come`,
      needsPerson: true,
      help: group === 'external.metrics.k8s.io' ? 'install KEDA’s metrics server' : 'install the metrics server',
    };
  if (api.available) return { what: 'api', says: `${group} is served`, needsPerson: false };
  return {
    what: 'api',
    says: `${group}, from which its metrics come, does not answer: ${api.reason}`,
    needsPerson: true,
    help: `look at the pods behind APIService v1beta1.${group}`,
  };
}
