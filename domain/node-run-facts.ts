import type { AdditionRequest, GroupSurvey, ResolvedAddition } from './addition.ts';
import { readAdditionRequest } from './addition-request.ts';
import type { JobRef } from './drain-pod.ts';
import type { ResolvedDrain } from './drain-policy.ts';
import { readDrainRequest, type DrainRequest } from './drain-request.ts';
import type { DrainSurvey } from './drain-survey.ts';
import type { Held, PodRef } from './eviction.ts';
import type { NodeIdentity } from './gpu-node.ts';
import type { NodeClaimRef } from './node-claim.ts';
import type { NodeOrder } from './node-group.ts';
import type { NodeProcedure } from './procedures.ts';
import type { RunFrame, SteeringStep } from './run-facts.ts';
import type { GroupLeft } from './termination.ts';
import type { OrderStanding } from './usable-nodes.ts';

/** What the history of a drain tells, in its order. */
export type DrainStep =
  | SteeringStep
  | ({ readonly atMs: number } & (
      | { readonly kind: 'policy'; readonly policy: ResolvedDrain }
      | { readonly kind: 'survey'; readonly survey: DrainSurvey }
      | {
          readonly kind: 'cordoned';
          readonly node: NodeIdentity;
          readonly answer: 'cordoned' | 'ours' | 'cordoned already' | 'replaced';
        }
      | { readonly kind: 'checkpoints asked'; readonly jobs: readonly JobRef[] }
      /** Jobs were waited for to their end, or to a checkpoint: those that have answered with one, and those that did nothing. */
      | {
          readonly kind: 'jobs';
          readonly jobs: readonly JobRef[];
          readonly report: { readonly checkpointed?: readonly JobRef[]; readonly left?: readonly JobRef[] };
        }
      | { readonly kind: 'surge'; readonly workload: string }
      | {
          readonly kind: 'evicted';
          readonly node: NodeIdentity;
          readonly pods: readonly PodRef[];
          readonly report: { readonly kind: string; readonly evicted: number; readonly held?: readonly Held[] };
        }
      | {
          readonly kind: 'told';
          readonly node: NodeIdentity;
          /** What was deleted, of a node of Karpenter. */
          readonly claim?: NodeClaimRef;
          readonly answer: { readonly kind: 'asked' | 'gone' | 'refused'; readonly reason?: string };
        }
      | {
          readonly kind: 'gone';
          readonly node: NodeIdentity;
          readonly group: string;
          readonly report:
            | ({ readonly kind: 'gone' } & GroupLeft)
            | { readonly kind: 'still there'; readonly reasons: readonly string[] };
        }
      /** Of a node of Karpenter, which is of no group. */
      | {
          readonly kind: 'gone';
          readonly node: NodeIdentity;
          readonly claim: NodeClaimRef;
          readonly report:
            | { readonly kind: 'gone' }
            | { readonly kind: 'still there'; readonly reasons: readonly string[] };
        }
      | {
          readonly kind: 'given back';
          readonly node: Pick<NodeIdentity, 'name'>;
          readonly answer: 'uncordoned' | 'not ours' | 'gone';
        }
    ));

/** The same of an addition. */
export type AdditionStep =
  | SteeringStep
  | ({ readonly atMs: number } & (
      | { readonly kind: 'policy'; readonly policy: ResolvedAddition }
      | { readonly kind: 'survey'; readonly surveys: Readonly<Record<string, GroupSurvey>> }
      | { readonly kind: 'ordered'; readonly order: NodeOrder; readonly updateId: string }
      | {
          readonly kind: 'looked';
          readonly updateId: string;
          readonly orderedAtMs: number;
          readonly report: { readonly standing: OrderStanding; readonly reasons?: readonly string[] };
        }
      | { readonly kind: 'minimum raised' | 'minimum given back'; readonly order: NodeOrder; readonly min: number }
      | {
          readonly kind: 'taken back';
          readonly order: NodeOrder;
          readonly desired: number;
          readonly instances: number;
        }
      /** The run that ends the loan. */
      | { readonly kind: 'drain begun'; readonly id: string }
    ));

export interface DrainFacts extends RunFrame {
  readonly procedure: 'drainGpuNode';
  readonly request: DrainRequest;
  readonly steps: readonly DrainStep[];
}
export interface AdditionFacts extends RunFrame {
  readonly procedure: 'addGpuNodes';
  readonly request: AdditionRequest;
  readonly steps: readonly AdditionStep[];
}
export type NodeRunFacts = DrainFacts | AdditionFacts;

export function isNodeProcedure(workflow: string): workflow is NodeProcedure {
  return workflow === 'drainGpuNode' || workflow === 'addGpuNodes';
}

/** As far as the request can be read: what was typed by hand is told too. */
export function nodeRunFacts(
  procedure: NodeProcedure,
  { input, steps, ...frame }: RunFrame & { readonly input: unknown; readonly steps: readonly unknown[] },
): NodeRunFacts {
  if (procedure === 'drainGpuNode')
    return { ...frame, procedure, request: readDrainRequest(input).request, steps: steps as readonly DrainStep[] };
  return { ...frame, procedure, request: readAdditionRequest(input).request, steps: steps as readonly AdditionStep[] };
}
