import type { Disposition } from '../domain/alerts.ts';
import type { startWebhook, ToldAlert } from '../test/harness/webhook.ts';

export type Webhook = Awaited<ReturnType<typeof startWebhook>>;

/** Alertmanager begins with half a second and grows; the same for each try is easier to reckon with. */
const AGAIN_AFTER_MS = 1_000;

/** One request and its answer; status 0 is no answer. */
interface Ack {
  readonly status: number;
  readonly tookMs: number;
}
export interface Told {
  readonly atMs: number;
  readonly acks: readonly Ack[];
  /** One for each alert, in order; none when time was up before Temporal had all of them. */
  readonly dispositions: readonly Disposition['kind'][];
}

/** A firing of its own for each name; fingerprints are hexadecimal. */
export function alertNamed(name: string): ToldAlert {
  return { name, fingerprint: Buffer.from(name).toString('hex') };
}

/** Tells a batch as Alertmanager does: again and again until it is answered with 2xx. Rejects with what is refused for good (4xx). */
export async function tellUntilTaken(
  webhook: Pick<Webhook, 'tell'>,
  alerts: readonly ToldAlert[],
  { withinMs, againAfterMs = AGAIN_AFTER_MS }: { readonly withinMs: number; readonly againAfterMs?: number },
): Promise<Told> {
  const atMs = Date.now();
  const acks: Ack[] = [];
  for (;;) {
    const sentMs = performance.now();
    // a connection that is cut is tried again as well
    const answer = await webhook.tell(alerts).catch(() => undefined);
    acks.push({ status: answer?.status ?? 0, tookMs: performance.now() - sentMs });
    if (answer?.status === 200)
      return { atMs, acks, dispositions: answer.alerts.map(({ disposition }) => disposition) };
    if (answer !== undefined && answer.status < 500) throw new Error(`answered with ${answer.status}: ${answer.body}`);
    if (Date.now() + againAfterMs > atMs + withinMs) return { atMs, acks, dispositions: [] };
    await new Promise((resolve) => setTimeout(resolve, againAfterMs));
  }
}
