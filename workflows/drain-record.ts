import type { DrainPlan } from '../domain/drain.ts';
import type { DrainIntent } from '../domain/drain-intent.ts';
import type { DrainRequest } from '../domain/drain-request.ts';
import type { DrainedNodeState, RunResult } from '../domain/procedures.ts';
import type { Approval } from './approval.ts';
import type { Run } from './run.ts';
import type { NodeSteering } from './steer-nodes.ts';
import type { JobRef } from '../domain/drain-pod.ts';

export interface DrainParts {
  readonly run: Run;
  readonly steering: NodeSteering;
  readonly approval: Approval<DrainIntent>;
  readonly record: DrainRecord;
  readonly request: DrainRequest;
}

export type DrainRecord = ReturnType<typeof openDrainRecord>;

/** What has become of each node: what the status shows, the undo goes by, and the result tells. */
export function openDrainRecord(run: Run) {
  const nodes = () => run.status().drain?.nodes ?? [];
  const set = (changed: readonly DrainedNodeState[]) => {
    const { drain } = run.status();
    if (drain !== undefined) run.update({ drain: { ...drain, nodes: changed } });
  };
  let lost: readonly string[] = [];
  let amiss: readonly string[] = [];
  let asked: readonly JobRef[] = [];

  return {
    begin(plan: DrainPlan): void {
      set(plan.nodes.map(({ name, uid, instanceId }) => ({ name, uid, instanceId, state: 'as it was', evicted: 0 })));
    },
    nodes,
    note(name: string, change: Partial<Pick<DrainedNodeState, 'state' | 'evicted'>>): void {
      set(nodes().map((node) => (node.name === name ? { ...node, ...change } : node)));
    },
    /** Jobs that are asked for a checkpoint. */
    noteAsked(jobs: readonly JobRef[]): void {
      asked = jobs;
    },
    asked: () => asked,
    evictedFrom: (name: string): number => nodes().find((node) => node.name === name)?.evicted ?? 0,
    /** Instances that went although nobody asked for it (R58), and all that is not as it should be, in words. */
    noteAmiss(ids: readonly string[], words: readonly string[]): void {
      lost = [...new Set([...lost, ...ids])];
      amiss = [...amiss, ...words];
    },
    /** After the undo: what we cordoned and nobody ends is given back by then. */
    result(reasons: readonly string[]): RunResult {
      const done = run.status().drain?.plan.remove === true ? 'removed' : 'drained';
      const some = nodes().some(({ state }) => state === 'removed' || state === 'going');
      const undone = some ? 'partly removed' : 'not drained';
      return {
        outcome: reasons.length === 0 ? done : undone,
        reasons: [...reasons, ...amiss],
        nodes: nodes(),
        lost,
        timeline: run.status().timeline,
      };
    },
  };
}
