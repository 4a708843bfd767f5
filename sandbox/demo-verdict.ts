import type { RunView } from '../client/runs.ts';
import type { LoadSeen } from './demo-load.ts';

/** One thing the demo claims, and whether it was so. */
export interface Proof {
  readonly holds: boolean;
  readonly text: string;
}

/** What was seen of the act, all of it read back from the servers. */
export interface Seen {
  /** The run when the event began, and in the end. */
  readonly atStart: RunView;
  readonly atEnd: RunView;
  readonly load: LoadSeen;
}

/** Traffic is to double; what is read of it is a little less at its edges. */
const ROSE = 1.5;

const per = (value: number): string => `${Math.round(value)} requests/s`;

function describeEnd({ result, state, workerAnswers }: RunView): string {
  if (result !== null) return `ended as ${result.outcome}`;
  return `is ${state.toLowerCase()}${workerAnswers ? '' : ', and no worker answers for it'}`;
}

export function judgeDemo({ atStart, atEnd, load }: Seen): readonly Proof[] {
  const { result } = atEnd;
  const target = atStart.status?.target ?? Number.NaN;
  const available = atStart.status?.available?.replicas ?? 0;
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
      holds: load.p95Ms > 0 && load.p95Ms < 100,
      text: `the slowest p95 in the event was ${Math.round(load.p95Ms)} ms`,
    },
    {
      holds: result?.outcome === 'done',
      text: `the run ${describeEnd(atEnd)}`,
    },
    {
      holds: result?.outcome === 'done' && result.restored,
      text:
        result?.outcome === 'done' && result.restored
          ? `the autoscaler has its owner's values back: floor ${result.after.floor}, maximum ${result.after.ceiling}`
          : "the autoscaler's own values are not back",
    },
  ];
}
