import { isCheckpointed, isOffNodes, type JobNow } from '../domain/drain-checkpoint.ts';
import { jobName, type JobRef } from '../domain/drain-pod.ts';
import { resolveDrain, type ResolvedDrain } from '../domain/drain-policy.ts';
import type { DrainSurvey, GroupReading, NodeClaimReading } from '../domain/drain-survey.ts';
import { ownerOf, type NodeState } from '../domain/gpu-node.ts';
import { claimsOfNode } from '../domain/node-claim.ts';
import { currentCall } from './call.ts';
import { failure, isFinal, lasting, messageOf } from './failure.ts';
import type { Ports } from './ports.ts';

export interface SurveyDrainRequest {
  readonly nodes: readonly string[];
  /** They are to be removed, so that their groups must be known; else AWS may be out of reach. */
  readonly remove?: boolean;
  /** So are Karpenter's, by their NodeClaims. */
  readonly nodeClaims?: boolean;
}
export interface CheckpointRequest {
  readonly jobs: readonly JobRef[];
  /** `<workflowId>/<firstExecutionRunId>` */
  readonly owner: string;
}
export interface AwaitJobsRequest {
  readonly jobs: readonly JobRef[];
  /** Names of the nodes that they are to leave. */
  readonly nodes: readonly string[];
  /** Set when they were asked for a checkpoint: who asked. */
  readonly owner?: string;
  readonly deadlineMs: number;
  /** Between two looks. */
  readonly everyMs: number;
}

/** `finished`: none of them is on the nodes any more. Who has a checkpoint may be interrupted; `left` is what a person is asked about. */
export type JobsReport =
  | { readonly kind: 'finished' }
  | { readonly kind: 'checkpointed'; readonly checkpointed: readonly JobRef[] }
  | { readonly kind: 'deadline'; readonly checkpointed: readonly JobRef[]; readonly left: readonly JobRef[] };

/** Temporal takes 2 MB a payload, and several surveys a history. */
const LARGEST_SURVEY = 1_500_000;

export function createDrainActivities({
  drains,
  cloud,
  nodeClaims,
  policy,
}: Pick<Ports, 'drains' | 'cloud' | 'nodeClaims' | 'policy'>) {
  /** What a drain uses of the policy, so that the history holds it. */
  async function resolveDrainPolicy(): Promise<ResolvedDrain> {
    return resolveDrain(policy.policy());
  }

  /** All that is known of these nodes; that a node is missing, or a group cannot be read, is a reason to refuse. */
  async function surveyDrain({ nodes, remove = false, ...asked }: SurveyDrainRequest): Promise<DrainSurvey> {
    const facts = await drains.readDrain(nodes, currentCall());
    const states = facts.nodes.flatMap(({ state }) => state ?? []);
    const karpenters = asked.nodeClaims === true ? states.filter((state) => ownerOf(state).kind === 'Karpenter') : [];
    const [readings, claims] = await Promise.all([
      Promise.all([...new Set(states.flatMap(groupOf))].map((name) => readGroup(name, remove))),
      karpenters.length === 0 ? undefined : readNodeClaims(karpenters),
    ]);
    const survey = {
      ...facts,
      groups: readings,
      ...(claims !== undefined && { nodeClaims: claims }),
      atMs: Date.now(),
    };
    if (JSON.stringify(survey).length > LARGEST_SURVEY)
      throw failure(
        'invalidRequest',
        `${nodes.length} nodes with ${facts.pods.length} pods are more than one run can hold; drain fewer at a time`,
      );
    return survey;
  }

  /** What waiting does not mend is a reason; what it does is tried again, where the answer decides anything. */
  async function readGroup(name: string, remove: boolean): Promise<GroupReading> {
    try {
      return { name, state: await cloud.readNodeGroup(name, currentCall()), unread: '' };
    } catch (error) {
      if (currentCall().signal.aborted || (remove && !isFinal(error))) throw error;
      return { name, state: null, unread: messageOf(error) };
    }
  }

  /** Of these nodes. As with groups, what waiting does not mend is a reason. */
  async function readNodeClaims(states: readonly NodeState[]): Promise<NodeClaimReading> {
    const call = currentCall();
    try {
      const [all, deletable] = await Promise.all([
        nodeClaims.listNodeClaims(call),
        nodeClaims.mayDeleteNodeClaims(call),
      ]);
      if (all === null) return { kind: 'absent' };
      return { kind: 'read', claims: states.flatMap((state) => claimsOfNode(all, state)), deletable };
    } catch (error) {
      if (call.signal.aborted || !isFinal(error)) throw error;
      return { kind: 'unread', reason: messageOf(error) };
    }
  }

  /**
   * Asks every pod of these jobs that is not over for a checkpoint. Safe to repeat: a pod that bears this run's mark keeps it,
   * with its answer.
   */
  async function requestCheckpoints({ jobs, owner }: CheckpointRequest): Promise<{ readonly pods: number }> {
    return setAll({ jobs, owner, ask: true });
  }

  /** Takes back what this run asked of them, and of nobody else. Safe to repeat. */
  async function withdrawCheckpoints({ jobs, owner }: CheckpointRequest): Promise<{ readonly pods: number }> {
    return setAll({ jobs, owner, ask: false });
  }

  async function setAll({ jobs, owner, ask }: CheckpointRequest & { readonly ask: boolean }) {
    const now = await drains.readJobs(jobs, currentCall());
    const pods = now.flatMap((job) => job.pods.map(({ namespace, name, uid }) => ({ namespace, name, uid })));
    return drains.setCheckpoints(pods, { owner, ask }, currentCall());
  }

  /**
   * Waits until none of the jobs has a pod on the nodes that is not over, or all that have answered with a checkpoint; at the
   * deadline it says what is left. One look an attempt; whatever cannot be read leaves the jobs alone.
   */
  async function awaitJobs(request: AwaitJobsRequest): Promise<JobsReport> {
    const { jobs, nodes, owner, deadlineMs, everyMs } = request;
    const isLate = Date.now() >= deadlineMs;
    const now = await drains.readJobs(jobs, currentCall()).catch((error: unknown) => {
      if (currentCall().signal.aborted || !isLate) throw lasting(error, everyMs);
      return null;
    });
    if (now === null) return { kind: 'deadline', checkpointed: [], left: jobs };
    const running = now.filter((job) => !isOffNodes(job, nodes));
    const hasAnswered = (job: JobNow) => owner !== undefined && isCheckpointed(job, owner);
    const [checkpointed, left] = [running.filter(hasAnswered), running.filter((job) => !hasAnswered(job))];
    if (running.length === 0) return { kind: 'finished' };
    if (left.length === 0) return { kind: 'checkpointed', checkpointed: checkpointed.map(refOf) };
    if (isLate) return { kind: 'deadline', checkpointed: checkpointed.map(refOf), left: left.map(refOf) };
    throw failure('notReady', describeWait(left, nodes, owner !== undefined), { retryAfterMs: everyMs });
  }

  return { resolveDrainPolicy, surveyDrain, requestCheckpoints, withdrawCheckpoints, awaitJobs };
}

function groupOf(state: NodeState): readonly string[] {
  const owner = ownerOf(state);
  return owner.kind === 'managed node group' ? [owner.group] : [];
}

/** 'JobSet ml/train has 2 pods on n1, n2 and has not answered with a checkpoint' */
function describeWait(left: readonly JobNow[], nodes: readonly string[], asked: boolean): string {
  return left
    .map((job) => {
      const here = job.pods.filter(({ node }) => nodes.includes(node));
      const on = [...new Set(here.map(({ node }) => node))].toSorted().join(', ');
      return `${jobName(job)} has ${here.length} ${here.length === 1 ? 'pod' : 'pods'} on ${on}${asked ? ' and has not answered with a checkpoint' : ''}`;
    })
    .join('; ');
}

function refOf({ kind, namespace, name, uid }: JobNow): JobRef {
  return { kind, namespace, name, uid };
}
