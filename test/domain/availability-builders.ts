import type { Governor, WorkloadState } from '../../domain/workload.ts';

export function aGovernor(of: Partial<Governor> = {}): Governor {
  return {
    kind: 'workload',
    workloadKind: 'Deployment',
    hasAnnotations: true,
    hasLabels: true,
    namespace: 'tensafe',
    name: 'server',
    uid: 'u',
    fields: {},
    marks: {},
    ignored: false,
    ...of,
  };
}

/** Six pods of one template, all available, unless said otherwise. */
export function aState(of: Partial<WorkloadState> = {}): WorkloadState {
  return {
    ref: { name: 'server', namespace: 'tensafe', kind: 'Deployment', object: 'server' },
    uid: 'u',
    generation: 7,
    observedGeneration: 7,
    paused: false,
    wantedReplicas: 6,
    replicas: 6,
    updatedReplicas: 6,
    readyReplicas: 6,
    availableReplicas: 6,
    terminatingReplicas: 0,
    conditions: [],
    selector: 'app=server',
    autoscalers: [],
    self: aGovernor(),
    ...of,
  };
}
export function condition(type: string, status: string, reason: string, message = '') {
  return { type, status, reason, message };
}
