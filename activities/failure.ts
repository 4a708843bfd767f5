import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { FAILURES, type FailureType } from '../domain/failures.ts';

/**
 * The only way to fail on purpose from an activity or adapter.
 * The message says what, which object and what would help, in that order, lowercase, no full stop.
 * `retryAfterMs` becomes the delay before Temporal's next attempt (Retry-After, or the pace of a poll).
 */
export function failure(
  type: FailureType,
  message: string,
  { cause, retryAfterMs }: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
): ApplicationFailure {
  const { retryable, benign } = FAILURES[type];
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: !retryable,
    ...(benign && { category: ApplicationFailureCategory.BENIGN }),
    ...(retryAfterMs !== undefined && { nextRetryDelay: retryAfterMs }),
    ...(cause instanceof Error && { cause }),
  });
}

/**
 * The same failure, but one that is tried again: for waits that watch over capacity, where giving up
 * (because a permission is gone, or a query is wrong) would let the capacity go.
 */
export function lasting(error: unknown, retryAfterMs: number): ApplicationFailure {
  if (error instanceof ApplicationFailure && !isFinal(error)) return error;
  return ApplicationFailure.create({
    type: error instanceof ApplicationFailure && error.type ? error.type : 'apiUnavailable',
    message: messageOf(error),
    nonRetryable: false,
    nextRetryDelay: retryAfterMs,
    ...(error instanceof Error && { cause: error }),
  });
}

/** Whether trying again would not mend it. */
export function isFinal(error: unknown): error is ApplicationFailure {
  return error instanceof ApplicationFailure && error.nonRetryable === true;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
