import type { AlertNotice, AlertRoute, Disposition } from '../../domain/alerts.ts';
import type { AlertIntake } from './intake.ts';
import type { WebhookLimits } from './limits.ts';
import type { WebhookLog } from './log.ts';

/** `not taken`: Temporal has not said that it has the alert, so its sender must say it again. */
export type Outcome = Disposition | { readonly kind: 'not taken'; readonly reason: string };

export interface Coalescer {
  /** One outcome for each notice, in order; never rejects, and is there at the latest when the signal aborts. */
  offer(route: AlertRoute, notices: readonly AlertNotice[], signal: AbortSignal): Promise<readonly Outcome[]>;
}

interface Waiting {
  readonly notice: AlertNotice;
  readonly answer: PromiseWithResolvers<Outcome>;
  /** Who still wants to know; with nobody left it is not offered any more. */
  tellers: number;
}

interface Gathering {
  readonly route: AlertRoute;
  readonly waiting: Map<string, Waiting>;
}

/** One workload's way into one procedure: whatever the rules, it is one run that takes it. */
interface Lane {
  isBusy: boolean;
  /** When its last offer was answered, by the clock that nobody sets. */
  offeredAtMs: number;
  /** By route: what goes together in the next offers. */
  readonly gatherings: Map<string, Gathering>;
}

/**
 * One offer under way for each lane; what arrives meanwhile is gathered and goes together in the next. A run takes ten updates at a
 * time and 2,000 in its life, so a storm of alerts must not become a storm of updates. The first notice never waits, and those that
 * follow it wait a quarter of a second for each other.
 */
export function createCoalescer(
  intake: Pick<AlertIntake, 'offer'>,
  { waiting: most, offerMs, pauseMs }: Pick<WebhookLimits, 'waiting' | 'offerMs' | 'pauseMs'>,
  log: WebhookLog,
): Coalescer {
  const lanes = new Map<string, Lane>();

  function laneOf({ procedure, workload }: AlertRoute): Lane {
    const name = `${procedure}.${workload}`;
    const lane = lanes.get(name) ?? {
      isBusy: false,
      offeredAtMs: Number.NEGATIVE_INFINITY,
      gatherings: new Map<string, Gathering>(),
    };
    lanes.set(name, lane);
    return lane;
  }

  async function run(lane: Lane): Promise<void> {
    lane.isBusy = true;
    while (lane.gatherings.size > 0) {
      const leftMs = lane.offeredAtMs + pauseMs - performance.now();
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
      const next = takeNext(lane);
      if (next === undefined) continue;
      await send(next);
      lane.offeredAtMs = performance.now();
    }
    lane.isBusy = false;
  }

  async function send({ route, waiting }: Gathering): Promise<void> {
    const all = [...waiting.values()];
    const signal = AbortSignal.timeout(offerMs);
    try {
      const offered = intake.offer(
        route,
        all.map(({ notice }) => notice),
        signal,
      );
      const dispositions = await Promise.race([offered, aborted(signal)]);
      if (dispositions === undefined) throw new Error(`no answer within ${offerMs} ms`);
      if (dispositions.length !== all.length) throw new Error(`${dispositions.length} answers to ${all.length} alerts`);
      all.forEach(({ answer }, i) => answer.resolve(dispositions[i] ?? NOT_TAKEN));
    } catch (error) {
      const { procedure, workload } = route;
      const reason = reasonOf(error);
      log.warn('Temporal did not take alerts', { procedure, workload, alerts: all.length, reason });
      for (const { answer } of all) answer.resolve(NOT_TAKEN);
    }
  }

  return {
    async offer(route, notices, signal) {
      const lane = laneOf(route);
      const gathering = gatheringOf(lane, route);
      const fresh = new Set(notices.map(identity).filter((id) => !gathering.waiting.has(id)));
      if (lane.isBusy && sizeOf(lane) + fresh.size > most) {
        const reason = `${sizeOf(lane)} alerts for ${route.workload} wait already, and at most ${most} may`;
        return notices.map(() => ({ kind: 'not taken', reason }));
      }
      const told = notices.map((notice) => join(gathering, notice));
      if (!lane.isBusy) void run(lane);
      const late = aborted(signal).then((): Outcome => {
        for (const waiting of told) leave(gathering, waiting);
        return NO_ANSWER;
      });
      return Promise.all(told.map(({ answer }) => Promise.race([answer.promise, late])));
    },
  };
}

const NOT_TAKEN: Outcome = { kind: 'not taken', reason: 'Temporal did not take it' };
const NO_ANSWER: Outcome = { kind: 'not taken', reason: 'Temporal did not answer in time' };

function takeNext(lane: Lane): Gathering | undefined {
  for (const [id, gathering] of lane.gatherings) {
    lane.gatherings.delete(id);
    if (gathering.waiting.size > 0) return gathering;
  }
  return undefined;
}

function gatheringOf(lane: Lane, route: AlertRoute): Gathering {
  const id = JSON.stringify(route);
  const gathering = lane.gatherings.get(id) ?? { route, waiting: new Map<string, Waiting>() };
  lane.gatherings.set(id, gathering);
  return gathering;
}

function sizeOf(lane: Lane): number {
  return [...lane.gatherings.values()].reduce((sum, { waiting }) => sum + waiting.size, 0);
}

/** Whoever tells the same twice, or what another tells as well, gets the same answer. */
function join({ waiting }: Gathering, notice: AlertNotice): Waiting {
  const id = identity(notice);
  const there = waiting.get(id) ?? { notice, answer: Promise.withResolvers<Outcome>(), tellers: 0 };
  there.tellers += 1;
  waiting.set(id, there);
  return there;
}

function leave({ waiting }: Gathering, left: Waiting): void {
  left.tellers -= 1;
  if (left.tellers === 0) waiting.delete(identity(left.notice));
}

function identity({ key, status }: AlertNotice): string {
  return `${key} ${status}`;
}

/** What a vendor's error wraps says more than it does itself. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
