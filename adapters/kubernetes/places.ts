import type { GovernorField, GovernorKind, GovernorMarks } from '../../domain/workload.ts';

/** Where each mark stands on the object. */
export const MARK_KEYS = {
  baseline: { map: 'annotations', key: 'headroom.dev/baseline' },
  claims: { map: 'annotations', key: 'headroom.dev/claims' },
  generation: { map: 'annotations', key: 'headroom.dev/generation' },
  windDown: { map: 'annotations', key: 'headroom.dev/wind-down' },
  held: { map: 'labels', key: 'headroom.dev/held' },
} as const satisfies {
  readonly [mark in keyof GovernorMarks]-?: { readonly map: 'annotations' | 'labels'; readonly key: string };
};

/** Where each field stands on the object. */
export const FIELD_KEYS: {
  readonly [kind in GovernorKind]: {
    readonly [field in GovernorField]?: { readonly map: 'spec' | 'annotations'; readonly key: string };
  };
} = {
  workload: { floor: { map: 'spec', key: 'replicas' } },
  horizontalPodAutoscaler: {
    floor: { map: 'spec', key: 'minReplicas' },
    ceiling: { map: 'spec', key: 'maxReplicas' },
    freeze: { map: 'spec', key: 'behavior' },
  },
  scaledObject: {
    floor: { map: 'spec', key: 'minReplicaCount' },
    ceiling: { map: 'spec', key: 'maxReplicaCount' },
    freeze: { map: 'annotations', key: 'autoscaling.keda.sh/paused-scale-in' },
  },
};
