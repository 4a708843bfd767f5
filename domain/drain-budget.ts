import type { BudgetFacts, DrainPod } from './drain-pod.ts';

/** Why something stops a drain, and what would allow it; both for people. */
export interface Block {
  readonly why: string;
  readonly allow: string;
}

/** The budgets that the Eviction API would ask about this pod: none of one that does not run (R52). */
function budgetsOf(pod: DrainPod, budgets: readonly BudgetFacts[]): readonly BudgetFacts[] {
  if (pod.phase !== 'Running' || pod.deletingSinceMs !== null) return [];
  return budgets
    .filter(({ namespace, name }) => namespace === pod.namespace && pod.budgets.includes(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What of its budgets waiting cannot mend. `surged`: its owner gets a replica more before. */
export function judgeBudgets(
  pod: DrainPod,
  budgets: readonly BudgetFacts[],
  { surged }: { readonly surged: boolean },
): readonly Block[] {
  const own = budgetsOf(pod, budgets);
  if (own.length > 1)
    return [
      {
        why: `${own.length} budgets select it (${own.map(({ name }) => name).join(', ')}), and the Eviction API refuses such a pod for ever`,
        allow: 'let one PodDisruptionBudget select it',
      },
    ];
  return own
    .filter((budget) => !isSpared(pod, budget) && neverAllows(budget) && !(surged && budget.countsPods))
    .map((budget) => ({
      why: `its budget ${budget.name} never allows an eviction: ${budget.rule} with ${budget.expectedPods} pods`,
      allow: budget.countsPods
        ? `raise its replicas above ${budget.desiredHealthy}, or lower minAvailable of ${budget.name}`
        : `let ${budget.name} allow at least one pod`,
    }));
}

/** Budgets that allow nothing just now; they may yet, so the drain waits for them until its deadline. */
export function heldNow(pod: DrainPod, budgets: readonly BudgetFacts[]): readonly BudgetFacts[] {
  return budgetsOf(pod, budgets).filter(
    (budget) => !budget.stale && budget.allowed === 0 && !isSpared(pod, budget) && !neverAllows(budget),
  );
}

/** With all its pods healthy it still would allow nothing; figures that are out of date say nothing. */
function neverAllows({ stale, desiredHealthy, expectedPods }: BudgetFacts): boolean {
  return !stale && desiredHealthy >= expectedPods;
}

/** An unready pod may go although its budget is used up (R52). */
function isSpared({ ready }: DrainPod, budget: BudgetFacts): boolean {
  if (ready) return false;
  const { allowsUnhealthy, currentHealthy, desiredHealthy } = budget;
  return allowsUnhealthy || (desiredHealthy > 0 && currentHealthy >= desiredHealthy);
}
