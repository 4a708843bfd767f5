import { describeEvicted } from './eviction.ts';
import { jobName, podName, type JobRef } from './drain-pod.ts';
import type { DrainStep } from './node-run-facts.ts';
import type { TimelineRow } from './report-timeline.ts';
import { describeAmiss } from './termination.ts';

/** What a step of a drain says where the run's own words are lost, in these words. */
export function drainRow(step: DrainStep): readonly TimelineRow[] {
  return wordsOf(step).map((what) => ({ atMs: step.atMs, what, by: null }));
}

function wordsOf(step: DrainStep): readonly string[] {
  switch (step.kind) {
    case 'cordoned':
      return [`${step.node.name} ${CORDONS[step.answer]}`];
    case 'checkpoints asked':
      return [`asked for a checkpoint: ${namesOf(step.jobs)}`];
    case 'jobs': {
      const { left = [] } = step.report;
      return [left.length === 0 ? `${namesOf(step.jobs)}: done` : `not done: ${namesOf(left)}`];
    }
    case 'surge':
      return [`asked for a second replica of ${step.workload}`];
    case 'evicted': {
      const { kind, evicted, held = [] } = step.report;
      const ended = kind === 'gone' || kind === 'replaced' ? [`${step.node.name} is gone`] : [];
      return [
        describeEvicted(step.node.name, evicted),
        ...ended,
        ...(kind === 'uncordoned' ? [`somebody has made ${step.node.name} schedulable again`] : []),
        ...held.map(({ pod, why }) => `pod ${podName(pod)}: ${why}`),
      ];
    }
    case 'told': {
      const { node, claim, answer } = step;
      const subject = claim === undefined ? `instance ${node.instanceId}` : `NodeClaim ${claim.name}`;
      if (answer.kind === 'refused') return [answer.reason ?? `${subject} is left`];
      if (answer.kind === 'gone') return [`${subject} was gone already`];
      const asked =
        claim === undefined ? 'is told to terminate' : `is deleted: Karpenter ends instance ${node.instanceId}`;
      return [`${subject} ${asked}`];
    }
    case 'gone': {
      if (step.report.kind === 'still there') return step.report.reasons;
      if ('claim' in step)
        return [`${step.node.name} is removed; whether Karpenter needs another node is its own to say`];
      const { node, group, report } = step;
      return [`${node.name} is removed; ${group} wants ${report.desired} nodes`, ...describeAmiss(group, report)];
    }
    case 'given back':
      return [`${step.node.name} ${BACKS[step.answer]}`];
    case 'policy':
    case 'survey':
    case 'steered':
    case 'cancelled':
      return [];
  }
}

const CORDONS = {
  cordoned: 'is cordoned',
  ours: 'is cordoned',
  'cordoned already': 'was cordoned by somebody else, and stays so',
  replaced: 'is another node by now',
} as const;

const BACKS = {
  uncordoned: 'is schedulable again',
  'not ours': 'is left: its cordon is somebody else’s by now',
  gone: 'is gone',
} as const;

function namesOf(jobs: readonly JobRef[]): string {
  return jobs.map(jobName).join(', ');
}
