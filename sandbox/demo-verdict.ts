import { isDeepStrictEqual } from 'node:util';
import type { RunView } from '../client/runs.ts';
import type { GovernorState, GovernorWrite } from './demo-governor.ts';
import type { LoadSeen } from './demo-load.ts';
import { describeAnswers, describeWrites, type StormSeen } from './demo-second-act.ts';
import { seconds } from './demo-steps.ts';

/** One thing the demo claims, and whether it was so. */
export interface Proof {
  readonly holds: boolean;
  readonly text: string;
}

/** What was seen of the first act and of the end, all of it read back from the servers. */
interface EventSeen {
  /** The run when the event began, and in the end. */
  readonly atStart: RunView;
  readonly atEnd: RunView;
  readonly load: LoadSeen;
  /** The autoscaler before and after everything. */
  readonly before: GovernorState;
  readonly after: GovernorState;
}

/** The same of the second act. */
interface EmergencySeen extends StormSeen {
  /** Absent: it never began. */
  readonly atEnd?: RunView;
  /** How many emergency runs began in all. */
  readonly runs: number;
  readonly load: LoadSeen;
}

/** Traffic is to double; what is read of it is a little less at its edges. */
const ROSE = 1.5;
/** The runbook's target. */
const GOOD_P95_MS = 100;

const per = (value: number): string => `${Math.round(value)} requests/s`;
const ms = (value: number): string => `${Math.round(value)} ms`;

function describeEnd({ result, state, workerAnswers }: RunView): string {
  if (result !== null) return `ended as ${result.outcome}`;
  return `is ${state.toLowerCase()}${workerAnswers ? '' : ', and no worker answers for it'}`;
}

export function judgeEvent({ atStart, atEnd, load, before, after }: EventSeen): readonly Proof[] {
  const target = atStart.status?.target ?? Number.NaN;
  const available = atStart.status?.available?.replicas ?? 0;
  const isHome = isDeepStrictEqual(after, before);
  return [
    {
      holds: available >= target,
      text: atStart.workerAnswers
        ? `when the event began, ${available} pods were available of the ${target} asked for`
        : 'when the event began, no worker answered for the run',
    },
    {
      holds: load.before > 0 && load.lowest >= ROSE * load.before,
      text: `Prometheus saw ${per(load.before)} before the event, ${per(load.peak)} at its peak and never fewer than ${per(load.lowest)} in its second half`,
    },
    {
      holds: load.p95Ms > 0 && load.p95Ms < GOOD_P95_MS,
      text: `the slowest p95 under the load that was foreseen was ${ms(load.p95Ms)}`,
    },
    { holds: atEnd.result?.outcome === 'done', text: `the run ${describeEnd(atEnd)}` },
    {
      holds: isHome,
      text: isHome
        ? `the autoscaler is its owner's again, to the letter: floor ${after.floor}, maximum ${after.ceiling}, no annotation of ours`
        : `the autoscaler is not as its owner left it: floor ${before.floor} was ${after.floor} in the end, maximum ${before.ceiling} was ${after.ceiling}; compare its annotations too`,
    },
  ];
}

export function judgeStorm({
  atEnd,
  runs,
  told,
  resolved,
  relievedAfterMs,
  writes,
  load,
}: EmergencySeen): readonly Proof[] {
  const storm = load.storm ?? { worstP95Ms: 0, lastP95Ms: 0 };
  const isRelieved = relievedAfterMs !== undefined && storm.lastP95Ms > 0 && storm.lastP95Ms < GOOD_P95_MS;
  return [
    {
      holds: told !== undefined && told.started + told.joined === told.notifications,
      text: told === undefined ? 'no alert fired, so there was nothing to answer' : describeAnswers(told),
    },
    {
      holds: runs === 1,
      text: `${runs} emergency ${runs === 1 ? 'run' : 'runs'} came of it`,
    },
    judgeWrites(writes),
    {
      holds: isRelieved,
      text: `p95 was ${ms(storm.worstP95Ms)} at worst, and ${ms(storm.lastP95Ms)} at the end of the event under the same load${relievedAfterMs === undefined ? '' : `; it was under ${ms(GOOD_P95_MS)} again ${seconds(relievedAfterMs)} after the first alert`}`,
    },
    {
      holds: resolved !== undefined && resolved.unanswered === 0,
      text: resolved === undefined ? 'no alert was resolved' : `of what was resolved: ${describeAnswers(resolved)}`,
    },
    {
      holds: atEnd?.result?.outcome === 'done',
      text: atEnd === undefined ? 'there was no emergency run' : `the emergency ${describeEnd(atEnd)}`,
    },
  ];
}

/** The capacity goes up once, and that write carries the claims of both runs: neither took the other's place. */
function judgeWrites(writes: readonly GovernorWrite[]): Proof {
  const [first] = writes;
  const runs = new Set(first?.runs ?? []);
  return {
    holds: writes.length === 1 && first !== undefined && first.floor > first.floorBefore && runs.size === 2,
    text: `the storm cost ${describeWrites(writes)}${runs.size === 0 ? '' : `, with the claims of ${[...runs].join(' and ')}`}`,
  };
}
