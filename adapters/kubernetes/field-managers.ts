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
  return (metadata?.managedFields ?? [])
    .flatMap(({ manager = '', time, fieldsV1 }) => {
      const atMs = Date.parse(time ?? '');
      return GOVERNOR_FIELDS.filter((field) => {
        const place = FIELD_KEYS[kind][field];
        if (place === undefined) return false;
        const path = place.map === 'spec' ? ['spec', place.key] : ['metadata', 'annotations', place.key];
        return owns(fieldsV1, path);
      }).map((field) => ({ field, manager, atMs: Number.isNaN(atMs) ? 0 : atMs }));
    })
    .toSorted((a, b) => a.atMs - b.atMs);
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
