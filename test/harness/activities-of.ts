import type { Lane } from './lane.ts';

/** How often each activity was asked for, and how often its answer became part of a history: run and ledger together. */
export interface Counted {
  readonly asked: Readonly<Record<string, number>>;
  readonly answered: Readonly<Record<string, number>>;
}

type History = Awaited<ReturnType<ReturnType<Lane['temporal']['workflow']['getHandle']>['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];

export async function activitiesOf({ temporal }: Lane, run: string): Promise<Counted> {
  const histories = await Promise.all(
    [run, 'capacity.tensafe-server'].map((id) => temporal.workflow.getHandle(id).fetchHistory()),
  );
  const [asked, answered]: [string[], string[]] = [[], []];
  for (const { events } of histories) {
    const scheduled = new Map<string, string>();
    for (const event of events ?? []) {
      const ordinary = event.activityTaskScheduledEventAttributes?.activityType?.name;
      if (typeof ordinary === 'string') {
        scheduled.set(String(event.eventId), ordinary);
        asked.push(ordinary);
      }
      const done = event.activityTaskCompletedEventAttributes?.scheduledEventId;
      if (done !== undefined && done !== null) answered.push(scheduled.get(String(done)) ?? 'unknown');
      const local = localActivityOf(event);
      if (local === undefined) continue;
      asked.push(local.name);
      if (local.answered) answered.push(local.name);
    }
  }
  return { asked: count(asked), answered: count(answered) };
}

/** A local activity leaves nothing but the marker of its end. */
function localActivityOf({
  markerRecordedEventAttributes: marker,
}: HistoryEvent): { readonly name: string; readonly answered: boolean } | undefined {
  if (marker?.markerName !== 'core_local_activity') return undefined;
  const data = marker.details?.['data']?.payloads?.[0]?.data;
  const { activity_type: name } = JSON.parse(Buffer.from(data ?? []).toString()) as { readonly activity_type: string };
  return { name, answered: (marker.failure ?? null) === null };
}

function count(names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((one) => one === name).length]));
}
