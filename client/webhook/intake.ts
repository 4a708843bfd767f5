import type { AlertNotice, AlertRoute, Disposition } from '../../domain/alerts.ts';

/** What the webhook asks of Temporal. */
export interface AlertIntake {
  /**
   * Resolves when Temporal has durably taken the notices: one disposition for each, in order. Rejects when it has not, or when
   * that is not known; the same notices may then be offered again, by their keys they count once.
   */
  offer(to: AlertRoute, notices: readonly AlertNotice[], signal: AbortSignal): Promise<readonly Disposition[]>;
  /** Whether Temporal answers. */
  ready(signal: AbortSignal): Promise<boolean>;
}
