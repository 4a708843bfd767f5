import type { Activity, Group } from './model.ts';

export interface Begun {
  readonly description: string;
  /** Without the time, which is put before it. */
  readonly cause: string;
  readonly nowMs: number;
}

/** What DescribeScalingActivities tells of. */
export class ActivityLog {
  readonly #activities: Activity[] = [];

  begin({ autoScalingGroup }: Group, { description, cause, nowMs }: Begun): Activity {
    const activity: Activity = {
      id: `activity-${String(this.#activities.length + 1).padStart(6, '0')}`,
      autoScalingGroup,
      description,
      cause: `At ${new Date(nowMs).toISOString()} ${cause}`,
      startedAtMs: nowMs,
      status: 'InProgress',
      message: '',
      endedAtMs: null,
    };
    this.#activities.push(activity);
    return activity;
  }

  /** As AWS sorts them: those under way first, then the newest. */
  of(autoScalingGroup: string): readonly Activity[] {
    const found = this.#activities.filter((activity) => activity.autoScalingGroup === autoScalingGroup).toReversed();
    const isUnderWay = ({ status }: Activity) => status === 'InProgress';
    return [...found.filter(isUnderWay), ...found.filter((activity) => !isUnderWay(activity))];
  }
}
