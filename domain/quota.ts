import { countWhole, type Bound } from './bound.ts';
import { meets } from './label-selector.ts';
import type { PodFacts } from './pod-facts.ts';
import { amountsOf, formatAmount, supplyOf, type Amounts, type ResourceList } from './resource-list.ts';

/** A ResourceQuota's status, with spec.scopes and spec.scopeSelector as one list (a bare scope is operator Exists). */
export interface QuotaFacts {
  readonly name: string;
  readonly hard: ResourceList;
  readonly used: ResourceList;
  readonly scopes: readonly {
    readonly scope: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

const SHORT_NAMES = /^(cpu$|memory$|ephemeral-storage$|hugepages-)/;

/** How many such pods the quota lets in, by each resource that it bounds (R42). */
export function judgeQuota({
  quota,
  pod,
  podsToAdd,
}: {
  readonly quota: QuotaFacts;
  readonly pod: PodFacts;
  readonly podsToAdd: number;
}): readonly Bound[] {
  if (!concerns(quota, pod)) return [];
  const taken = amountsOf(quota.used);
  const charges = chargesOf(pod);
  const refused = (what: string, impossible: boolean) => [
    { fits: 0, reason: `ResourceQuota ${quota.name} ${what}`, impossible },
  ];
  return [...supplyOf(quota.hard)].flatMap(([resource, most]): readonly Bound[] => {
    const long = resource === 'cpu' || resource === 'memory' ? `requests.${resource}` : resource;
    if (pod.unstated.includes(long)) return refused(`refuses pods with a container that does not state ${long}`, true);
    const each = charges.get(resource);
    if (each === undefined) return [];
    const now = taken.get(resource);
    if (now === undefined) return refused(`has not counted ${resource} yet, and refuses pods until it has`, false);
    const [hardest, used, own] = [most, now, each].map((nano) => formatAmount(resource, nano));
    if (each > most) return refused(`can never allow such a pod: ${resource} ${own} of ${hardest} in all`, true);
    const fits = Math.min(podsToAdd, countWhole(most - now, each));
    const use = `${resource} ${used} of ${hardest} used, ${own} a pod`;
    const reason = `ResourceQuota ${quota.name} allows ${fits} of ${podsToAdd} more pods: ${use}`;
    return [{ fits, reason, impossible: false }];
  });
}

/** All scopes of a quota must match the pod; one that we do not know counts as matching. */
function concerns({ scopes }: QuotaFacts, pod: PodFacts): boolean {
  return scopes.every(({ scope, operator, values }) => {
    switch (scope) {
      case 'Terminating':
        return pod.deadline;
      case 'NotTerminating':
        return !pod.deadline;
      case 'BestEffort':
        return pod.bestEffort;
      case 'NotBestEffort':
        return !pod.bestEffort;
      case 'CrossNamespacePodAffinity':
        return pod.crossNamespaceAffinity;
      case 'PriorityClass':
        return meets({ key: scope, operator, values }, pod.priorityClass === '' ? {} : { [scope]: pod.priorityClass });
      default:
        return true;
    }
  });
}

/** What a pod uses, by each name that a quota may give it: cpu is short for requests.cpu, devices have no short name. */
function chargesOf({ requests, limits }: PodFacts): Amounts {
  const prefixed = (prefix: string, list: ResourceList) =>
    Object.fromEntries(Object.entries(list).map(([resource, text]) => [prefix + resource, text]));
  const short = Object.entries(requests).filter(([resource]) => SHORT_NAMES.test(resource));
  return amountsOf({
    pods: '1',
    'count/pods': '1',
    ...Object.fromEntries(short),
    ...prefixed('requests.', requests),
    ...prefixed('limits.', limits),
  });
}
