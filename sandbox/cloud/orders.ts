import { z } from 'zod';
import { AUTO_SCALING_OPERATIONS } from './auto-scaling-api.ts';
import { EKS_OPERATIONS } from './eks-api.ts';
import type { CloudCore } from './core.ts';
import { isMeant, WEATHER, type Faults } from './faults.ts';
import { NODE_FATES, Refusal, type Group } from './model.ts';

const OPERATIONS = [...EKS_OPERATIONS, ...AUTO_SCALING_OPERATIONS];

const group = z.string();
const instance = z.string().regex(/^i-[0-9a-f]+$/, 'must be the id of an instance');
const count = z.int().min(0).max(1_000);
const ms = z.int().min(0).max(3_600_000);

/** What others than headroom do: AWS having no capacity, people, Cluster Autoscaler, the weather. */
export const CloudOrder = z.discriminatedUnion('do', [
  /** How many more instances the group can get; null: enough. */
  z.strictObject({ do: z.literal('capacity'), group, nodes: count.nullable() }),
  /** `what`: weather, or the code of an error. */
  z.strictObject({
    do: z.literal('fail'),
    operation: z.string().refine((words) => OPERATIONS.some((operation) => isMeant(words, operation)), {
      error: `must be *, or the beginning of ${OPERATIONS.join(', ')}`,
    }),
    what: z.union([z.enum(WEATHER), z.string().regex(/^[A-Z][A-Za-z]+$/, 'must be weather or the code of an error')]),
    times: count.min(1).default(1),
  }),
  z.strictObject({ do: z.literal('clear') }),
  /** What becomes of instances that launch from now on. */
  z.strictObject({ do: z.literal('fate'), group, fate: z.enum(NODE_FATES) }),
  z.strictObject({ do: z.literal('desired'), group, nodes: count }),
  z.strictObject({ do: z.literal('terminate'), instance, decrement: z.boolean().default(false) }),
  /** Gone without a word. */
  z.strictObject({ do: z.literal('lose'), instance }),
  z.strictObject({ do: z.literal('protect'), instance, protected: z.boolean().default(true) }),
  z.strictObject({ do: z.literal('status'), group, status: z.string().nullable() }),
  z.strictObject({ do: z.literal('refresh'), group, refreshing: z.boolean() }),
  z.strictObject({ do: z.literal('suspend'), group, process: z.string(), suspended: z.boolean().default(true) }),
  z.strictObject({ do: z.literal('fail-update'), group, errorCode: z.string(), errorMessage: z.string().default('') }),
  z.strictObject({
    do: z.literal('timings'),
    group,
    timings: z.partialRecord(
      z.enum(['updateMs', 'applyMs', 'launchMs', 'joinMs', 'gpuMs', 'terminateMs', 'retryMs', 'rebalanceMs']),
      ms,
    ),
  }),
  z.strictObject({
    do: z.literal('leniency'),
    degradedTakesUpdates: z.boolean().optional(),
    keepsUnnamedSizes: z.boolean().optional(),
  }),
]);
export type CloudOrder = z.output<typeof CloudOrder>;

type Deeds = {
  readonly [Kind in CloudOrder['do']]: (
    core: CloudCore,
    order: Extract<CloudOrder, { readonly do: Kind }>,
    faults: Faults,
  ) => void;
};

function groupOf({ fleet }: CloudCore, order: { readonly group: string }): Group {
  const group = fleet.groups.get(order.group);
  if (group !== undefined) return group;
  throw new Refusal(
    'ResourceNotFoundException',
    `no node group "${order.group}"; there are ${[...fleet.groups.keys()].join(', ')}`,
  );
}

const DEEDS: Deeds = {
  capacity: (core, order) => {
    const group = groupOf(core, order);
    group.capacity = order.nodes;
    // news of capacity need not wait for the next attempt
    group.launchAtMs = Date.now();
  },
  fail: (_, order, faults) => faults.add(order),
  clear: (_, __, faults) => faults.clear(),
  fate: (core, order) => void (groupOf(core, order).fate = order.fate),
  desired: (core, order) => core.fleet.setDesired(groupOf(core, order), order.nodes, Date.now()),
  terminate: ({ fleet }, { instance, decrement }) => void fleet.terminate(instance, { decrement, nowMs: Date.now() }),
  lose: ({ fleet }, { instance }) => fleet.lose(instance, Date.now()),
  protect: ({ fleet }, order) => void (fleet.find(order.instance).protectedFromScaleIn = order.protected),
  status: (core, order) => void (groupOf(core, order).forcedStatus = order.status),
  refresh: (core, order) => void (groupOf(core, order).refreshing = order.refreshing),
  suspend: (core, order) => {
    const { suspended } = groupOf(core, order);
    if (order.suspended) suspended.add(order.process);
    else suspended.delete(order.process);
  },
  'fail-update': (core, order) => {
    groupOf(core, order).nextUpdateError = { errorCode: order.errorCode, errorMessage: order.errorMessage };
  },
  timings: (core, order) => {
    const group = groupOf(core, order);
    group.timings = { ...group.timings, ...order.timings };
  },
  leniency: ({ nodeGroups: { leniency } }, { degradedTakesUpdates, keepsUnnamedSizes }) => {
    if (degradedTakesUpdates !== undefined) leniency.degradedTakesUpdates = degradedTakesUpdates;
    if (keepsUnnamedSizes !== undefined) leniency.keepsUnnamedSizes = keepsUnnamedSizes;
  },
};

/** An order takes effect at once; one that cannot be, is refused. */
export function carryOut({ core, faults, touch }: Ordered, order: CloudOrder): void {
  touch();
  // the compiler does not see that deed and order are of one kind
  const deed = DEEDS[order.do] as (core: CloudCore, order: CloudOrder, faults: Faults) => void;
  deed(core, order, faults);
  touch();
}

interface Ordered {
  readonly core: CloudCore;
  readonly faults: Faults;
  readonly touch: () => void;
}
