import type { ContainerObservation, EventObservation, PodObservation } from '../../domain/pod-diagnosis.ts';
import { condition } from './availability-builders.ts';

export function aContainer(of: Partial<ContainerObservation> = {}): ContainerObservation {
  return {
    name: 'app',
    image: 'app:1',
    state: 'running',
    reason: '',
    message: '',
    ready: false,
    started: true,
    restarts: 0,
    ...of,
  };
}
export function aPod(of: Partial<PodObservation> = {}): PodObservation {
  return {
    name: 'web-1',
    phase: 'Pending',
    reason: '',
    message: '',
    terminating: false,
    conditions: [],
    initContainers: [],
    containers: [aContainer()],
    ...of,
  };
}
export function anEvent(of: Partial<EventObservation> = {}): EventObservation {
  return { object: { kind: 'Pod', name: 'web-1' }, reason: '', message: '', atMs: 1_000, ...of };
}
export const unschedulable = [
  condition('PodScheduled', 'False', 'Unschedulable', '0/5 nodes are available: 5 Insufficient cpu.'),
];
export function pulling(name: string, reason: string, message: string): PodObservation {
  return aPod({ name, containers: [aContainer({ state: 'waiting', reason, message })] });
}
