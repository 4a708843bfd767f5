import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startCapacityHold } from '../../client/capacity-hold.ts';
import { startEmergency, startPreScale } from '../../client/start.ts';
import type { AlertNotice } from '../../domain/alerts.ts';
import { EMERGENCY, firing, resolved, STEPS, tellSteps } from './emergency.ts';
import { endNowUpdate, ledgerQuery } from '../../workflows/messages.ts';
import { activitiesOf, type Counted } from './activities-of.ts';
import { eventually } from './eventually.ts';
import { openLane, type Lane, type LaneOptions } from './lane.ts';
import { boundaryText, readDeaths, type Boundary } from './mortal.ts';
import { RUN, untilClosed, untilHome, untilPhase } from './pre-scale.ts';
import { everyWriteIsSound } from './witness.ts';

const HOLD = 'hold-capacity.tensafe-server';

export type SweptGovernor = NonNullable<LaneOptions['governor']>;

/** A run from its start to its end, without anybody's help but the one that it needs. */
export interface SweptProcedure {
  readonly run: string;
  /** It has at least so many: a sweep that finds fewer has not seen it whole. */
  readonly activities: number;
  /** The floors that it writes, each once and in this order. */
  readonly floors: readonly number[];
  /** Writes in all, also those that change no floor. */
  readonly writes: number;
  /** Merged over the policy of a sweep. */
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly follow: (lane: Lane, withinMs: number) => Promise<void>;
}

/** The event ends when the hold stands, quiet comes, and the run goes home: every phase but those that people ask for. */
const PRE_SCALE: SweptProcedure = {
  run: RUN,
  activities: 15,
  floors: [6, 5, 4, 3],
  writes: 4,
  async follow(lane, withinMs) {
    const startMs = Date.now() + 1_000;
    const event = { name: 'sale', startMs, endMs: startMs + 600_000 };
    const target = { kind: 'factor', factor: 2 } as const;
    await startPreScale(lane.temporal, { workload: 'tensafe-server', event, target, requestedBy: 'tester' });
    await untilPhase(lane, 'holding', { withinMs });
    await endNow(lane, RUN);
  },
};

/** Ends by itself when it is quiet. */
export const emergency = (mode: 'freeze' | 'pause'): SweptProcedure => ({
  run: EMERGENCY,
  activities: 12,
  floors: [6, 5, 4, 3],
  writes: 4,
  async follow(lane) {
    await startEmergency(lane.temporal, { workload: 'tensafe-server', requestedBy: 'tester', mode });
  },
});

/** One step up, once; its alert is resolved while it is held, and the load is low. */
export const STEP_SCALE: SweptProcedure = {
  run: STEPS,
  activities: 11,
  floors: [5, 4, 3],
  writes: 3,
  policy: {
    triggers: {
      'high-cpu': {
        workload: 'tensafe-server',
        metric: 'queue-depth',
        above: 70,
        for: '1s',
        pods: 2,
        // longer than a sweep: a second step would be another end
        cooldown: '2h',
      },
    },
    stepScale: { minCooldown: '1s', maxHold: '3h' },
    alertRules: { HighCpu: { procedure: 'stepScale', trigger: 'high-cpu' } },
  },
  async follow(lane, withinMs) {
    const alert = firing('HighCpu');
    // as its sender does: what a dying worker did not take is told again, and counts once
    const untilTaken = (notice: AlertNotice) =>
      eventually('the alert is taken', () => tellSteps(lane, notice).then(() => true), { withinMs });
    await untilTaken(alert);
    await untilPhase(lane, 'holding', { run: STEPS, withinMs });
    await untilTaken(resolved(alert));
  },
};

/** Held until somebody ends it. */
export const capacityHold = (mode: 'freeze' | 'pause'): SweptProcedure => ({
  run: HOLD,
  activities: 9,
  floors: [],
  writes: 2,
  async follow(lane, withinMs) {
    await startCapacityHold(lane.temporal, {
      workload: 'tensafe-server',
      mode,
      forMs: 3_600_000,
      requestedBy: 'tester',
    });
    await untilPhase(lane, 'holding', { run: HOLD, withinMs });
    await endNow(lane, HOLD);
  },
});

function endNow({ temporal }: Lane, run: string): Promise<unknown> {
  return temporal.workflow
    .getHandle(run)
    .executeUpdate(endNowUpdate, { args: [{ as: 'tester' }], updateId: 'the-end' });
}

/** Whether it answers before the hold ends is a race; it is there to be killed all the same, before its first look. */
const ANSWERS_BY_CHANCE: ReadonlySet<string> = new Set(['guardHold']);

/** Quicker than a lane's as a rule: a sweep has dozens of runs. */
const QUICK = {
  // what the pods take is not at stake: on a busy machine the run would end as short
  preScale: { lead: '1s', availableWithin: '60s', quiet: { window: '2s', every: '500ms', step: '1s' } },
  windDown: { every: '500ms' },
};
/** A killed worker costs its activity's heartbeat timeout, and the new one needs seconds to start on a busy machine. */
const PATIENCE_MS = 90_000;

/**
 * Runs side by side, each of which loses its worker at every boundary of its share, once for each call, and the same
 * end. What boundaries there are is seen in the histories of a first one without faults. Fails where an activity answered
 * without a death, or where a boundary was never reached.
 */
export async function sweep(
  governor: SweptGovernor,
  {
    halves,
    lanes,
    procedure = PRE_SCALE,
  }: {
    readonly halves: readonly Boundary['half'][];
    readonly lanes: number;
    readonly procedure?: SweptProcedure;
  },
): Promise<void> {
  const boundaries = boundariesOf(await activitiesWithoutFaults(governor, procedure), halves);
  const shares = Array.from({ length: lanes }, (_, lane) => boundaries.filter((_one, index) => index % lanes === lane));
  const deaths = (await Promise.all(shares.map((share) => killedAtEach(governor, procedure, share)))).flat();
  const missed = boundaries.map(boundaryText).filter((boundary) => !deaths.includes(boundary));
  assert.deepEqual(missed, [], 'nobody died there');
  assert.ok(deaths.length >= procedure.activities * halves.length, deaths.join());
}

/** One that never answers, because nothing happens, is begun all the same. */
function boundariesOf({ asked, answered }: Counted, halves: readonly Boundary['half'][]): readonly Boundary[] {
  const answering = Object.keys(answered).filter((name) => !ANSWERS_BY_CHANCE.has(name));
  const names = { before: Object.keys(asked), after: answering };
  return halves.flatMap((half) => names[half].toSorted().map((name) => ({ half, name })));
}

async function activitiesWithoutFaults(governor: SweptGovernor, procedure: SweptProcedure): Promise<Counted> {
  return inSweptLane(governor, procedure, async (lane) => {
    await lane.startWorker();
    const owners = await lane.snapshot();
    await followThrough(lane, procedure);
    await isAsItWas(lane, procedure, owners);
    return activitiesOf(lane, procedure.run);
  });
}

/** A whole run whose worker dies at each of these boundaries. Answers with the boundary of each death. */
async function killedAtEach(
  governor: SweptGovernor,
  procedure: SweptProcedure,
  boundaries: readonly Boundary[],
): Promise<readonly string[]> {
  return inSweptLane(governor, procedure, async (lane) => {
    const owners = await lane.snapshot();
    const mark = join(lane.directory, 'deaths');
    const over = new AbortController();
    const reviving = reviveUntil(over.signal, lane, {
      KILL_EACH: boundaries.map(boundaryText).join(','),
      KILL_MARK: mark,
    });
    try {
      await Promise.race([reviving, followThrough(lane, procedure, { withinMs: boundaries.length * PATIENCE_MS })]);
    } finally {
      over.abort();
    }
    await isAsItWas(lane, procedure, owners);
    const { answered } = await activitiesOf(lane, procedure.run);
    await lane.killWorker();
    await reviving;
    const deaths = readDeaths(mark);
    for (const boundary of boundaries) {
      const died = deaths.filter((death) => death === boundaryText(boundary)).length;
      const calls = answered[boundary.name] ?? 0;
      assert.ok(died >= calls, `${calls} answers and ${died} deaths ${boundaryText(boundary)}: ${deaths.join()}`);
    }
    return deaths;
  });
}

/** A worker that takes over whenever one has died. */
export async function reviveUntil(
  over: AbortSignal,
  lane: Lane,
  env: { readonly KILL_EACH: string; readonly KILL_MARK: string },
): Promise<void> {
  const deaths = () => readDeaths(env.KILL_MARK).length;
  while (!over.aborted) {
    const before = deaths();
    const worker = await lane.startWorker(env).catch((error: unknown) => {
      // so quick that it was dead before it had said that it was ready
      if (deaths() > before || over.aborted) return undefined;
      throw error;
    });
    if (worker !== undefined && worker.exitCode === null && worker.signalCode === null)
      await new Promise((resolve) => worker.once('exit', resolve));
  }
}

async function inSweptLane<T>(
  governor: SweptGovernor,
  { policy }: SweptProcedure,
  act: (lane: Lane) => Promise<T>,
): Promise<T> {
  const lane = await openLane({ governor, policy: { ...QUICK, ...policy } });
  try {
    // so little that an autoscaler does nothing about it; without any data it would never be quiet
    await eventually('the load is set', () => lane.load(1).then(() => true));
    await eventually('three pods are available', async () => (await lane.available()) === 3);
    return await act(lane);
  } finally {
    await lane.close();
  }
}

async function followThrough(
  lane: Lane,
  { run, follow }: SweptProcedure,
  { withinMs = PATIENCE_MS } = {},
): Promise<void> {
  await follow(lane, withinMs);
  assert.equal(await untilClosed(lane, { withinMs, run }), 'COMPLETED');
}

async function isAsItWas(
  lane: Lane,
  { run, floors, writes }: SweptProcedure,
  owners: Awaited<ReturnType<Lane['snapshot']>>,
): Promise<void> {
  const result = (await lane.temporal.workflow.getHandle(run).result()) as { readonly outcome: string };
  assert.equal(result.outcome, 'done', JSON.stringify(result));
  await untilHome(lane, owners, { withinMs: 1 });
  // a worker may die while a write of another activity is under way
  const [written, abandoned] = [lane.floorsWritten(), lane.floorsAbandoned()];
  const steps = floors.filter((floor) => written.includes(floor) || !abandoned.includes(floor));
  assert.deepEqual(written, steps, `a lost answer is not written twice; abandoned: ${abandoned.join()}`);
  const seen = lane.writes().length;
  assert.ok(seen <= writes && seen + lane.writesAbandoned() >= writes, `${seen} writes and not ${writes}`);
  everyWriteIsSound(lane);
  const { claims } = await lane.temporal.workflow.getHandle('capacity.tensafe-server').query(ledgerQuery);
  assert.deepEqual(claims, []);
}
