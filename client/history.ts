import type { Client } from '@temporalio/client';
import type { LoadedDataConverter } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];
type Payloads = Parameters<typeof decodeArrayFromPayloads>[1];

/** What happened in a workflow, in its order and decoded; what nobody asks for afterwards (tasks, timers) is left out. */
export type Happening = { readonly atMs: number } & (
  | { readonly kind: 'started'; readonly workflow: string; readonly firstRunId: string; readonly input: unknown }
  /** An activity that succeeded, local ones too; of a local one the input is not kept. */
  | { readonly kind: 'activity'; readonly name: string; readonly input: unknown; readonly result: unknown }
  /** An update that was accepted; refused ones are in no history. The answer is null where there is none, or not yet. */
  | { readonly kind: 'update'; readonly name: string; readonly input: unknown; readonly answer: unknown }
  | { readonly kind: 'signal'; readonly name: string; readonly input: unknown }
  /** A run of its own that this one has begun. */
  | { readonly kind: 'child'; readonly id: string; readonly workflow: string }
  | { readonly kind: 'cancel requested'; readonly by: string; readonly reason: string }
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'terminated'; readonly by: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }
);

const LOCAL_ACTIVITY = 'core_local_activity';

/** The only place that knows how Temporal keeps what a workflow did. */
export async function decodeHistory(
  { events }: Pick<History, 'events'>,
  converter: LoadedDataConverter,
): Promise<readonly Happening[]> {
  const scheduled = new Map<string, { readonly name: string; readonly input: unknown }>();
  const first = async (payloads: Payloads): Promise<unknown> =>
    (await decodeArrayFromPayloads(converter, payloads))[0] ?? null;
  const answers = answersIn(events ?? []);
  const happenings: Happening[] = [];
  for (const event of events ?? []) {
    const { activityTaskScheduledEventAttributes: attributes } = event;
    if (attributes?.activityType?.name)
      scheduled.set(String(event.eventId), {
        name: attributes.activityType.name,
        input: await first(attributes.input?.payloads),
      });
    const happening =
      (await ofActivity(event, scheduled, first)) ??
      (await ofMessage(event, answers, first)) ??
      ofChild(event) ??
      ofEnd(event);
    const completed = event.workflowExecutionCompletedEventAttributes;
    const atMs = msOf(event.eventTime);
    if (happening !== undefined) happenings.push({ atMs, ...happening });
    if (completed) happenings.push({ atMs, kind: 'completed', result: await first(completed.result?.payloads) });
  }
  return happenings;
}

/** `Omit` of a union would leave only what all its members have. */
type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;
type Found = Without<Happening, 'atMs'>;
type First = (payloads: Payloads) => Promise<unknown>;

async function ofActivity(
  event: HistoryEvent,
  scheduled: ReadonlyMap<string, { readonly name: string; readonly input: unknown }>,
  first: First,
): Promise<Found | undefined> {
  const { activityTaskCompletedEventAttributes: completed, markerRecordedEventAttributes: marker } = event;
  if (completed) {
    const activity = scheduled.get(String(completed.scheduledEventId));
    return activity && { kind: 'activity', ...activity, result: await first(completed.result?.payloads) };
  }
  if (marker?.markerName !== LOCAL_ACTIVITY || marker.failure) return undefined;
  // written by the SDK's core, past every codec
  const data = marker.details?.['data']?.payloads?.[0]?.data;
  if (!data) return undefined;
  const { activity_type: name } = JSON.parse(Buffer.from(data).toString()) as { readonly activity_type: string };
  return { kind: 'activity', name, input: null, result: await first(marker.details?.['result']?.payloads) };
}

/** By the event in which the update was accepted. */
function answersIn(events: readonly HistoryEvent[]): ReadonlyMap<string, Payloads> {
  return new Map(
    events.flatMap(({ workflowExecutionUpdateCompletedEventAttributes: done }) =>
      done ? [[String(done.acceptedEventId), done.outcome?.success?.payloads] as const] : [],
    ),
  );
}

async function ofMessage(
  event: HistoryEvent,
  answers: ReadonlyMap<string, Payloads>,
  first: First,
): Promise<Found | undefined> {
  const {
    workflowExecutionStartedEventAttributes: started,
    workflowExecutionUpdateAcceptedEventAttributes: update,
    workflowExecutionSignaledEventAttributes: signal,
  } = event;
  if (started) {
    const [workflow, firstRunId] = [started.workflowType?.name ?? '', started.firstExecutionRunId ?? ''];
    return { kind: 'started', workflow, firstRunId, input: await first(started.input?.payloads) };
  }
  if (update?.acceptedRequest?.input) {
    const { name, args } = update.acceptedRequest.input;
    const answer = await first(answers.get(String(event.eventId)));
    return { kind: 'update', name: name ?? '', input: await first(args?.payloads), answer };
  }
  if (signal) return { kind: 'signal', name: signal.signalName ?? '', input: await first(signal.input?.payloads) };
  return undefined;
}

function ofChild({ childWorkflowExecutionStartedEventAttributes: begun }: HistoryEvent): Found | undefined {
  if (!begun) return undefined;
  return { kind: 'child', id: begun.workflowExecution?.workflowId ?? '', workflow: begun.workflowType?.name ?? '' };
}

function ofEnd(event: HistoryEvent): Found | undefined {
  const {
    workflowExecutionCancelRequestedEventAttributes: requested,
    workflowExecutionTerminatedEventAttributes: terminated,
    workflowExecutionFailedEventAttributes: failed,
  } = event;
  if (requested) return { kind: 'cancel requested', by: requested.identity ?? '', reason: requested.cause ?? '' };
  if (event.workflowExecutionCanceledEventAttributes) return { kind: 'cancelled' };
  if (terminated) return { kind: 'terminated', by: terminated.identity ?? '', reason: terminated.reason ?? '' };
  if (failed) return { kind: 'failed', reason: messageOf(failed.failure) };
  if (event.workflowExecutionTimedOutEventAttributes) return { kind: 'failed', reason: 'it ran out of time' };
  return undefined;
}

/** Seconds are 64 bits wide on the wire, and an object of their own here. */
function msOf(time: HistoryEvent['eventTime']): number {
  return Number(String(time?.seconds ?? 0)) * 1_000 + Math.floor((time?.nanos ?? 0) / 1e6);
}

interface Failure {
  readonly message?: string | null;
  readonly cause?: Failure | null;
}

/** The innermost failure says what happened; those around it only where. */
function messageOf(failure: Failure | null | undefined): string {
  return failure?.cause ? messageOf(failure.cause) : (failure?.message ?? '');
}
