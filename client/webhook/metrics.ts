import { Counter, Histogram, Registry } from 'prom-client';
import type { Outcome } from './coalesce.ts';
import type { Sender } from './payload.ts';

/** What Prometheus can ask of the webhook. No label holds a word of a sender. */
export interface WebhookMetrics {
  answered(sender: Sender, status: number): void;
  /** The time from a request's first line to its answer, of batches that were offered. */
  acknowledged(sender: Sender, ms: number, outcomes: readonly Outcome[]): void;
  text(): Promise<string>;
  readonly contentType: string;
}

export function createWebhookMetrics(): WebhookMetrics {
  const registers = [new Registry()];
  const requests = new Counter({
    name: 'headroom_webhook_requests_total',
    help: 'Answers to alert notifications, by sender and HTTP status',
    labelNames: ['sender', 'status'] as const,
    registers,
  });
  const alerts = new Counter({
    name: 'headroom_webhook_alerts_total',
    help: 'Alerts of accepted notifications, by what became of them',
    labelNames: ['sender', 'disposition'] as const,
    registers,
  });
  const seconds = new Histogram({
    name: 'headroom_webhook_ack_seconds',
    help: 'Time until a notification was answered, all its alerts accounted for or not',
    labelNames: ['sender'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 3],
    registers,
  });
  const registry = registers[0] ?? new Registry();
  return {
    answered: (sender, status) => requests.inc({ sender, status }),
    acknowledged(sender, ms, outcomes) {
      seconds.observe({ sender }, ms / 1_000);
      for (const { kind } of outcomes) alerts.inc({ sender, disposition: kind });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
