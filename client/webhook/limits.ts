/** What one sender may cost; docs/webhook.md names each of them. */
export interface WebhookLimits {
  readonly bodyBytes: number;
  readonly depth: number;
  readonly alerts: number;
  /** Alerts of one workload that may wait behind the offer under way. */
  readonly waiting: number;
  /** Between two offers of one workload: what joins a run is in no hurry, and each offer costs five events of its history. */
  readonly pauseMs: number;
  /** An offer that takes longer is answered with 503. */
  readonly offerMs: number;
  readonly readyMs: number;
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly connections: number;
  /** What is in flight when the process is told to stop may take this long. */
  readonly stopMs: number;
}

export const WEBHOOK_LIMITS: WebhookLimits = {
  // a thousand alerts with ten labels each are about half of it
  bodyBytes: 1_048_576,
  // a real payload has four levels
  depth: 32,
  alerts: 1_000,
  waiting: 1_000,
  pauseMs: 250,
  // with it an answer leaves within three seconds, and the sender still has most of its group interval to try again
  offerMs: 2_500,
  readyMs: 1_000,
  headersMs: 5_000,
  requestMs: 10_000,
  keepAliveMs: 60_000,
  // each may hold a body of the largest size: 256 MiB at the very worst
  connections: 256,
  stopMs: 10_000,
};
