/** Where the webhook says what it did: one line an entry, details beside it. Temporal's Logger is one. */
export interface WebhookLog {
  info(message: string, details?: Record<string, unknown>): void;
  warn(message: string, details?: Record<string, unknown>): void;
}
