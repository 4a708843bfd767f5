import type { NodeFacts } from './node-autoscaler.ts';
import { findBlocked, type OrderedSet } from './ordered-pods.ts';
import { diagnosePod, type EventObservation, type Finding, type PodObservation } from './pod-diagnosis.ts';
import { bySource, plainRefusal, subjectOfRefusal, type PodTrouble } from './troubles.ts';

/** A refused creation has no pod. */
type Case = Finding & { readonly pod?: string };

export interface DiagnosisFacts extends NodeFacts {
  /** Of a StatefulSet that creates its pods one after the other. */
  readonly ordered?: OrderedSet;
}

/** Enough to look at, in a line that can still be read. */
const EXAMPLES = 5;

/** Groups what keeps pods from being available, with counts and a few names (R40). */
export function groupTroubles(
  pods: readonly PodObservation[],
  events: readonly EventObservation[],
  facts: DiagnosisFacts = {},
): readonly PodTrouble[] {
  const cases: readonly Case[] = [
    ...findRefusedCreations(events),
    ...pods.flatMap((pod) => diagnosePod(pod, events, facts).map((finding) => ({ ...finding, pod: pod.name }))),
  ];
  const groups = Map.groupBy(cases, ({ kind, subject }) => JSON.stringify([kind, subject]));
  const blocked = facts.ordered === undefined ? [] : findBlocked(facts.ordered, pods);
  return [...blocked, ...[...groups.values()].flatMap(asTrouble)].toSorted(
    (a, b) => bySource(a, b) || b.count - a.count,
  );
}

function asTrouble(cases: readonly Case[]): readonly PodTrouble[] {
  // of one subject the longest message says the most: 'Back-off pulling image' hides what the registry said
  const [told] = cases.toSorted((a, b) => b.message.length - a.message.length);
  if (told === undefined) return [];
  const { kind, reason, message } = told;
  const names = cases.flatMap(({ pod }) => pod ?? []).toSorted();
  return [{ kind, reason, message, count: cases.length, examples: names.slice(0, EXAMPLES) }];
}

/** Refusals by quota, LimitRange, webhook or pod security: no pod exists that could say so itself. */
function findRefusedCreations(events: readonly EventObservation[]): readonly Finding[] {
  return events
    .filter(({ reason }) => reason === 'FailedCreate')
    .filter((event) => !events.some((later) => supersedes(later, event)))
    .map(({ reason, message }) => {
      const plain = plainRefusal(message);
      return { kind: 'notCreated', reason, message: plain, subject: subjectOfRefusal(plain) };
    });
}

/** Events outlive their cause by an hour; a creation that succeeded since tells that it is gone. */
function supersedes(later: EventObservation, failed: EventObservation): boolean {
  return (
    later.reason === 'SuccessfulCreate' &&
    later.atMs > failed.atMs &&
    later.object.kind === failed.object.kind &&
    later.object.name === failed.object.name
  );
}
