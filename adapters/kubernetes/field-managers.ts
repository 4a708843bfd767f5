import { findGitOpsOwner, type GitOpsOwner } from '../../domain/git-ops.ts';
import { GOVERNOR_FIELDS, type FieldWriter, type GovernorKind, type WorkloadRef } from '../../domain/workload.ts';
import type { RawObject } from './kinds.ts';
import { FIELD_KEYS } from './places.ts';

type Metadata = RawObject<'Deployment'>['metadata'];

/**
 * Who wrote each field last, from managedFields: whoever changes a value takes it over from all others, so an owner is its
 * last writer; among owners of one and the same value the newest.
 */
export function writersOf(kind: GovernorKind, metadata: Metadata): readonly FieldWriter[] {
  return GOVERNOR_FIELDS.flatMap((field) => {
    const place = FIELD_KEYS[kind][field];
    if (place === undefined) return [];
    const path = place.map === 'spec' ? ['spec', place.key] : ['metadata', 'annotations', place.key];
    return ownersOf(metadata, path).map((owner) => ({ field, ...owner }));
  }).toSorted((a, b) => a.atMs - b.atMs);
}

/** The last writer of what stands at this path, and when it wrote anything last: the value may be older. */
export function lastWriterOf(metadata: Metadata, path: readonly string[]) {
  return ownersOf(metadata, path)
    .toSorted((a, b) => a.atMs - b.atMs)
    .at(-1);
}

function ownersOf(metadata: Metadata, path: readonly string[]): readonly Omit<FieldWriter, 'field'>[] {
  return (metadata?.managedFields ?? [])
    .filter(({ fieldsV1 }) => owns(fieldsV1, path))
    .map(({ manager = '', time }) => {
      const atMs = Date.parse(time ?? '');
      return { manager, atMs: Number.isNaN(atMs) ? 0 : atMs };
    });
}

/** fieldsV1 spells the path '/spec/minReplicas' {'f:spec': {'f:minReplicas': {}}}. */
function owns(fields: unknown, [step, ...rest]: readonly string[]): boolean {
  if (step === undefined) return true;
  const below: unknown = isMap(fields) ? fields[`f:${step}`] : undefined;
  return below !== undefined && owns(below, rest);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

export function gitOpsOwnerOf(kind: GovernorKind, ref: WorkloadRef, metadata: Metadata): GitOpsOwner | undefined {
  const groupKinds: { readonly [kind in GovernorKind]: string } = {
    workload: `apps/${ref.kind}`,
    horizontalPodAutoscaler: 'autoscaling/HorizontalPodAutoscaler',
    scaledObject: 'keda.sh/ScaledObject',
  };
  return findGitOpsOwner({
    groupKind: groupKinds[kind],
    namespace: ref.namespace,
    name: metadata?.name ?? '',
    labels: metadata?.labels ?? {},
    annotations: metadata?.annotations ?? {},
    managers: (metadata?.managedFields ?? []).map(({ manager = '' }) => manager),
  });
}
