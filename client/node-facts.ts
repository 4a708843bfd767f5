import type { Client } from '@temporalio/client';
import { nodeRunFacts, type NodeRunFacts } from '../domain/node-run-facts.ts';
import type { NodeProcedure } from '../domain/procedures.ts';
import { endAmong, steeringStep } from './facts.ts';
import { decodeHistory, type Happening } from './history.ts';

/** What the history of a run on nodes says of it; no worker is needed for that. */
export async function fetchNodeRun(
  client: Client,
  procedure: NodeProcedure,
  { id, runId }: { readonly id: string; readonly runId: string },
): Promise<NodeRunFacts> {
  const history = await client.workflow.getHandle(id, runId).fetchHistory();
  return readNodeRun(procedure, { id, runId }, await decodeHistory(history, client.options.loadedDataConverter));
}

export function readNodeRun(
  procedure: NodeProcedure,
  { id, runId }: { readonly id: string; readonly runId: string },
  happenings: readonly Happening[],
): NodeRunFacts {
  const [first] = happenings;
  const input = first?.kind === 'started' ? first.input : null;
  const steps = happenings.flatMap((happening) => nodeStep(procedure, happening));
  return nodeRunFacts(procedure, {
    id,
    runId,
    startedAtMs: first?.atMs ?? 0,
    end: endAmong(happenings),
    input,
    steps,
  });
}

type Read = (input: never, result: never) => object;
const withAnswer: (kind: string) => Read = (kind) => (input: object, answer: unknown) => ({ kind, ...input, answer });
const withReport: (kind: string) => Read = (kind) => (input: object, report: unknown) => ({ kind, ...input, report });
const ofOrder: (kind: string) => Read = (kind) => (order: object, result: object) => ({ kind, order, ...result });

/** The shape of what an activity answered is its own file's business; the report takes it as it was written. */
const STEP_OF_ACTIVITY: { readonly [P in NodeProcedure]: Readonly<Record<string, Read>> } = {
  drainGpuNode: {
    resolveDrainPolicy: (_: never, policy: object) => ({ kind: 'policy', policy }),
    surveyDrain: (_: never, survey: object) => ({ kind: 'survey', survey }),
    cordonNode: withAnswer('cordoned'),
    requestCheckpoints: ({ jobs }: { readonly jobs: unknown }) => ({ kind: 'checkpoints asked', jobs }),
    awaitJobs: withReport('jobs'),
    claimCapacity: ({ workload }: { readonly workload: string }) => ({ kind: 'surge', workload }),
    evictPods: withReport('evicted'),
    terminateNode: withAnswer('told'),
    deleteNodeClaim: withAnswer('told'),
    awaitGone: withReport('gone'),
    awaitClaimGone: withReport('gone'),
    uncordonNode: withAnswer('given back'),
  },
  addGpuNodes: {
    resolveAdditionPolicy: (_: never, policy: object) => ({ kind: 'policy', policy }),
    surveyNodeGroups: (_: never, surveys: object) => ({ kind: 'survey', surveys }),
    orderNodes: (order: object, updateId: string) => ({ kind: 'ordered', order, updateId }),
    awaitNodes: withReport('looked'),
    raiseMinimum: ofOrder('minimum raised'),
    giveMinimumBack: ofOrder('minimum given back'),
    takeBackNodes: ofOrder('taken back'),
  },
};

function nodeStep(procedure: NodeProcedure, happening: Happening): readonly unknown[] {
  const { atMs } = happening;
  if (happening.kind === 'child') return [{ atMs, kind: 'drain begun', id: happening.id }];
  if (happening.kind !== 'activity') return steeringStep(happening);
  const reads = STEP_OF_ACTIVITY[procedure];
  const read = Object.hasOwn(reads, happening.name) ? reads[happening.name] : undefined;
  return read === undefined ? [] : [{ atMs, ...read(happening.input as never, happening.result as never) }];
}
