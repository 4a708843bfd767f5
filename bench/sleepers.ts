import { startPreScale } from '../client/start.ts';
import { QUEUES } from '../domain/names.ts';
import type { PreScaleRequest } from '../domain/pre-scale.ts';
import { eventually } from '../test/harness/eventually.ts';
import type { Lane } from '../test/harness/lane.ts';

/** Temporal's development server has one database connection: more planning at a time only wait for each other. */
const IN_FLIGHT = 50;
/** So many plans tell how long one takes on this machine. */
const PILOTS = 100;
/** The lane's own. */
const PILOTS_WORKLOAD = 'tensafe-server';
/** Sleepers come due after the time of all their plans and half as long again. */
const PATIENCE = 1.5;
const LEAD_MS = 60_000;
const EVENT_MS = 3_600_000;

export interface Sleepers {
  readonly count: number;
  /** When the first of them wakes. */
  readonly dueMs: number;
}

/** Starts so many pre-scales on the shops, and answers when all of them are asleep. */
export async function putToSleep(
  lane: Lane,
  of: {
    readonly count: number;
    readonly shops: readonly string[];
    /** Between the first that comes due and the last. */
    readonly dueOverMs: number;
    /** Between falling asleep and coming due: what the bench does meanwhile. */
    readonly reserveMs: number;
    readonly say: (line: string) => void;
  },
): Promise<Sleepers> {
  const { count, shops, dueOverMs, reserveMs, say } = of;
  const beginMs = await paceOf(lane);
  say(`a plan takes ${beginMs.toFixed(0)} ms when ${IN_FLIGHT} are under way`);
  const startedMs = Date.now();
  const withinMs = count * beginMs * PATIENCE;
  const dueMs = startedMs + withinMs + reserveMs;
  let begun = 0;
  await eventually(
    `${count} pre-scales are asleep`,
    async () => {
      const sleeping = await countSleepers(lane, 'asleep');
      const more = Math.min(count - begun, IN_FLIGHT - (begun - sleeping));
      const next = Array.from({ length: Math.max(0, more) }, (_, offset) => begun + offset);
      begun += next.length;
      await Promise.all(
        next.map((index) => {
          const workload = shops[index % shops.length] ?? '';
          return startPreScale(
            lane.temporal,
            requestOf({ workload, index, wakesMs: dueMs + (index * dueOverMs) / count }),
          );
        }),
      );
      return sleeping === count;
    },
    { withinMs },
  );
  say(`${count} asleep after ${((Date.now() - startedMs) / 1_000).toFixed(0)} s`);
  return { count, dueMs };
}

/** How many are asleep, or have been and are no longer: each leaves its sleep by its own timer. */
export async function countSleepers({ temporal }: Lane, are: 'asleep' | 'awake'): Promise<number> {
  const is = are === 'asleep' ? '=' : '!=';
  const { count } = await temporal.workflow.count(
    `WorkflowType = 'preScale' AND HeadroomPhase ${is} 'sleeping' AND HeadroomWorkload != '${PILOTS_WORKLOAD}'`,
  );
  return count;
}

/** What it costs to plan, which is all that a pre-scale does before it sleeps. */
async function paceOf({ temporal }: Lane): Promise<number> {
  const startedMs = Date.now();
  for (let at = 0; at < PILOTS; at += IN_FLIGHT) {
    const some = Array.from({ length: IN_FLIGHT }, (_, offset) => {
      const index = at + offset;
      const request = requestOf({ workload: PILOTS_WORKLOAD, index, wakesMs: startedMs + EVENT_MS });
      const args = [{ ...request, planOnly: true }];
      return temporal.workflow.execute('preScale', {
        workflowId: `plan.${index}`,
        taskQueue: QUEUES.procedures,
        args,
      });
    });
    await Promise.all(some);
  }
  return (Date.now() - startedMs) / PILOTS;
}

function requestOf({
  workload,
  index,
  wakesMs,
}: {
  readonly workload: string;
  readonly index: number;
  readonly wakesMs: number;
}): PreScaleRequest {
  const startMs = Math.round(wakesMs) + LEAD_MS;
  return {
    workload,
    event: { name: `sale-${index}`, startMs, endMs: startMs + EVENT_MS },
    target: { kind: 'replicas', replicas: 2 },
    leadMs: LEAD_MS,
    requestedBy: 'bench',
  };
}
