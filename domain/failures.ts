/**
 * Every failure that may leave an activity: whether trying again can help, and whether it is
 * expected (BENIGN: no alarm, the UI shows it as a pending attempt with its message).
 * docs/failures.md lists the same table; a test compares the two.
 */
export const FAILURES = {
  /** The request can never work as written. */
  invalidRequest: { retryable: false, benign: false },
  /** RBAC or IAM says no; the message names the verb and the resource. */
  permissionDenied: { retryable: false, benign: false },
  /** The workload, node or node group is not there. */
  targetNotFound: { retryable: false, benign: false },
  /** A newer writer holds the object; ours must stop. */
  fenced: { retryable: false, benign: false },
  /** Someone changed it first (409, 422 of a failed guard): read again. */
  stateConflict: { retryable: true, benign: false },
  /** Not an error: what we wait for has not happened yet; the message says what is missing. */
  notReady: { retryable: true, benign: true },
  /** Prometheus did not answer, or its answer is no data (R83: never a reason to scale down). */
  metricsUnavailable: { retryable: true, benign: false },
  /** A disruption budget says not now (429). */
  disruptionBlocked: { retryable: true, benign: true },
  /** The API asks us to slow down; the retry honours its Retry-After. */
  apiThrottled: { retryable: true, benign: false },
  /** Network, timeout or 5xx: the call may or may not have been applied. */
  apiUnavailable: { retryable: true, benign: false },
  /** The cloud has none of that instance type here. */
  capacityUnavailable: { retryable: true, benign: false },
  /** The cluster is not as we found it: a person is needed. */
  undoFailed: { retryable: false, benign: false },
} as const satisfies Record<string, { readonly retryable: boolean; readonly benign: boolean }>;

export type FailureType = keyof typeof FAILURES;
