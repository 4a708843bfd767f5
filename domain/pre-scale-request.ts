import { fieldFaults, isAbsentOr, isFields, isText, shown, textOf } from './request-fields.ts';
import { isMoment, targetFaults, type EventWindow, type Target } from './capacity-plan.ts';
import { windowFaults, type PreScaleRequest } from './pre-scale.ts';

const EXAMPLE = {
  event: '{"name":"sale","startMs":1795770000000,"endMs":1795777200000}',
  target: '{"kind":"replicas","replicas":6} or {"kind":"factor","factor":2}',
};

const WANTED = [
  { field: 'workload', isGood: isText, accepted: 'a workload of headroom.yaml, such as "web"' },
  { field: 'requestedBy', isGood: isText, accepted: 'who asks, such as "alice"' },
  { field: 'leadMs', isGood: isAbsentOr('number'), accepted: 'milliseconds, such as 1800000, or leave it out' },
  { field: 'trigger', isGood: isAbsentOr('string'), accepted: 'a text, or leave it out' },
  { field: 'note', isGood: isAbsentOr('string'), accepted: 'a text, or leave it out' },
  { field: 'planOnly', isGood: isAbsentOr('boolean'), accepted: 'true or false, or leave it out' },
] as const;

/**
 * A request out of whatever a workflow was started with: in Temporal's UI anybody types it by hand. With faults, all of them,
 * `request` is only what could be read of it, to be shown.
 */
export function readPreScaleRequest(
  input: unknown,
  nowMs: number,
): { readonly request: PreScaleRequest; readonly faults: readonly string[] } {
  const fields = isFields(input) ? input : {};
  const event = readEvent(fields['event']);
  const target = readTarget(fields['target']);
  const { leadMs, trigger, note } = fields;
  const request = {
    workload: textOf(fields['workload']),
    event,
    target,
    requestedBy: textOf(fields['requestedBy']),
    ...(typeof leadMs === 'number' && { leadMs }),
    ...(typeof trigger === 'string' && { trigger }),
    ...(typeof note === 'string' && { note }),
  };
  if (!isFields(input))
    return {
      request,
      faults: [
        `the input is ${shown(input)}; give {"workload":"web","event":${EXAMPLE.event},"target":{"kind":"replicas","replicas":6},"requestedBy":"alice"}`,
      ],
    };
  const faults = [
    ...fieldFaults<PreScaleRequest>(input, WANTED),
    ...eventFaults(input['event'], request, nowMs),
    ...shapeFaultsOfTarget(input['target']),
  ];
  // what is whole is handed on as it came
  return faults.length > 0 ? { request, faults } : { request: input as unknown as PreScaleRequest, faults };
}

function eventFaults(event: unknown, request: PreScaleRequest, nowMs: number): readonly string[] {
  if (!isFields(event)) return [`event is ${shown(event)}; give one such as ${EXAMPLE.event}`];
  const { startMs, endMs } = event;
  const given = { ...request, event: { ...request.event, startMs: startMs as number, endMs: endMs as number } };
  return [
    ...(isText(event['name']) ? [] : [`event.name is ${shown(event['name'])}; give a name, such as "sale"`]),
    ...windowFaults(given, nowMs),
  ];
}

function shapeFaultsOfTarget(target: unknown): readonly string[] {
  const kind = isFields(target) ? target['kind'] : undefined;
  if (!isFields(target) || (kind !== 'replicas' && kind !== 'factor'))
    return [`target is ${shown(target)}; give ${EXAMPLE.target}`];
  if (typeof target[kind] === 'number') return targetFaults({ target: readTarget(target) });
  return [`target.${kind} is ${shown(target[kind])}; give a number, such as ${kind === 'factor' ? 2 : 6}`];
}

function readEvent(event: unknown): EventWindow {
  const { name, startMs, endMs } = isFields(event) ? event : {};
  return { name: textOf(name), startMs: momentOf(startMs), endMs: momentOf(endMs) };
}

function readTarget(target: unknown): Target {
  const { kind, replicas, factor } = isFields(target) ? target : {};
  if (kind === 'factor') return { kind, factor: typeof factor === 'number' ? factor : 0 };
  return { kind: 'replicas', replicas: typeof replicas === 'number' ? replicas : 0 };
}

function momentOf(value: unknown): number {
  return typeof value === 'number' && isMoment(value) ? value : 0;
}
