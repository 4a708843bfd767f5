import type { StatefulFacts } from '../../domain/workload.ts';
import type { RawObject } from './kinds.ts';

/** The defaults are the API's own. */
export function statefulFactsOf({
  metadata,
  spec,
}: Pick<RawObject<'StatefulSet'>, 'metadata' | 'spec'>): StatefulFacts {
  const { template, podManagementPolicy, persistentVolumeClaimRetentionPolicy, volumeClaimTemplates, ordinals } =
    spec ?? {};
  return {
    images: (template?.spec?.containers ?? []).flatMap(({ image }) => image ?? []),
    labels: { ...template?.metadata?.labels, ...metadata?.labels },
    ordered: podManagementPolicy !== 'Parallel',
    whenScaled: persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete' ? 'Delete' : 'Retain',
    claims: (volumeClaimTemplates ?? []).flatMap((one) => one.metadata?.name ?? []),
    firstOrdinal: ordinals?.start ?? 0,
  };
}
