import type { GroupSizes } from '../../domain/node-group.ts';
import type { Group, Instance, Timings } from './model.ts';

/** A node group as it is to be in the beginning. */
export interface GroupSpec {
  readonly name: string;
  /** New instances are of the first one. */
  readonly instanceTypes: readonly string[];
  readonly sizes: GroupSizes;
  readonly zones: readonly string[];
  /** `10.0.1.`: a new instance gets the lowest free address of it, from 10 on, so that names of nodes are used again (R46). */
  readonly subnet: string;
  readonly capacityType?: string;
  readonly suspended?: readonly string[];
  /** In service with whole nodes already; absent: as many as desired, spread over the zones. */
  readonly instances?: readonly SeededInstance[];
}

interface SeededInstance {
  readonly id: string;
  readonly type: string;
  readonly zone: string;
  readonly address: string;
}

export function createGroup(spec: GroupSpec, timings: Timings): Group {
  const { name, instanceTypes, sizes, zones, subnet, capacityType = 'ON_DEMAND', suspended = [] } = spec;
  return {
    name,
    instanceTypes,
    zones,
    subnet,
    capacityType,
    timings,
    autoScalingGroup: `eks-${name}-${Buffer.from(name).toString('hex').padEnd(12, '0').slice(0, 12)}`,
    stored: sizes,
    live: sizes,
    suspended: new Set(suspended),
    refreshing: false,
    fate: 'whole',
    capacity: null,
    launchFailure: null,
    launchAtMs: 0,
    rebalanceAtMs: null,
    forcedStatus: null,
    nextUpdateError: null,
  };
}

/** Launched before all time, so that they are the oldest. */
export function seededInstances({ instances, ...spec }: GroupSpec, row: number): readonly Instance[] {
  const spread = Array.from({ length: spec.sizes.desired }, (_, index) => seededInstance(spec, row, index));
  const seeded = instances ?? spread;
  return seeded.map((instance, index) => ({
    ...instance,
    group: spec.name,
    launchedAtMs: index - seeded.length,
    fate: 'whole',
    lifecycle: 'InService',
    nextAtMs: null,
    node: 'whole',
    nodeAtMs: null,
    protectedFromScaleIn: false,
    spared: false,
    activity: null,
  }));
}

function seededInstance({ instanceTypes, zones, subnet }: GroupSpec, row: number, index: number): SeededInstance {
  return {
    id: `i-0${(0x5eed_0000 + row * 256 + index + 1).toString(16).padStart(16, '0')}`,
    type: instanceTypes[0] ?? '',
    zone: zones[index % zones.length] ?? '',
    address: `${subnet}${10 + index}`,
  };
}
