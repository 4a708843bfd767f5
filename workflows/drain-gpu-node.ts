import { CancellationScope, condition, patched, workflowInfo } from '@temporalio/workflow';
import { iso } from '../domain/capacity-plan.ts';
import { describeBlocker, planDrain, type DrainPlan } from '../domain/drain.ts';
import { drainIntent, outgrownDrain, type DrainIntent } from '../domain/drain-intent.ts';
import { readDrainRequest, type DrainRequest } from '../domain/drain-request.ts';
import type { RunResult } from '../domain/procedures.ts';
import { announce } from './announce.ts';
import { openApproval } from './approval.ts';
import { conclude } from './conclude.ts';
import { openDrainRecord, type DrainParts } from './drain-record.ts';
import { settleJobs, withdrawRequests } from './drain-jobs.ts';
import { cordonAll, emptyAndRemove, holdCordon, uncordonAll } from './drain-steps.ts';
import { withTurn } from './node-turn.ts';
import { openRun, type Run } from './run.ts';
import { openNodeSteering } from './steer-nodes.ts';
import { reading, reckoning } from './stubs.ts';
import { withSurge } from './surge.ts';
import { readRecordedDrain, type ResolvedDrain } from '../domain/drain-policy.ts';

/** Longer than any job is waited for; what is not over by then is given back. */
const LONGEST_RUN_MS = 31 * 24 * 3_600_000;
/** In the queue of node groups: nodes that belong to none take turns too. */
const NO_GROUP = 'self-managed';

/**
 * Empties GPU nodes without killing what they work on, and with `remove` ends exactly their instances, itself or by Karpenter. Cordon first, then judge every
 * pod and ask; jobs go on to their end or to a checkpoint; evictions as budgets allow. Until an instance is told to terminate
 * everything can be undone, and is, however the run ends.
 */
export async function drainGpuNode(input: DrainRequest): Promise<RunResult> {
  const { request, faults } = readDrainRequest(input);
  const { nodes, remove, reason = remove === true ? 'removal' : 'drain', requestedBy } = request;
  const startMs = workflowInfo().startTime.getTime();
  const event = { name: reason, startMs, endMs: startMs + LONGEST_RUN_MS };
  const run = openRun({ procedure: 'drainGpuNode', subject: nodes.join(', '), event, requestedBy });
  const steering = openNodeSteering(run, {
    skip: {
      phases: ['waiting for jobs'],
      now: 'jobs that still run are not waited for any longer',
      question: 'say that jobs may be interrupted',
    },
    extend: { phases: ['waiting for jobs', 'draining', 'holding'], what: 'the time' },
    end: {
      phases: ['waiting for approval', 'waiting for its turn', 'waiting for jobs', 'holding'],
      now: 'the nodes are given back',
    },
    suspend: ['waiting for approval', 'waiting for its turn', 'waiting for jobs', 'draining'],
  });
  const approval = openApproval<DrainIntent>(run, steering, outgrownDrain);
  const record = openDrainRecord(run);
  return conclude(run, () =>
    faults.length > 0
      ? Promise.resolve({ outcome: 'refused', reasons: faults })
      : follow({ run, steering, approval, record, request }),
  );
}

async function follow(parts: DrainParts): Promise<RunResult> {
  const { run, steering, record, request } = parts;
  announce(run);
  const recorded = await reckoning.resolveDrainPolicy.executeWithOptions({ summary: 'policy of drains' }, []);
  const policy = readRecordedDrain(recorded);
  const planned = await planNow(run, { request, policy });
  if (planned.kind === 'refuse') return { outcome: 'refused', reasons: planned.reasons };
  const { plan, hash } = planned;
  const others = plan.nodes.filter(({ name, instanceId }) => (request.instances?.[name] ?? instanceId) !== instanceId);
  if (others.length > 0) return { outcome: 'refused', reasons: others.map(describeOther) };
  if (request.planOnly === true) return { outcome: 'planned', plan, planHash: hash };
  record.begin(plan);
  let ended: RunResult | readonly string[];
  try {
    const what = `${request.remove === true ? 'removal' : 'drain'} of ${request.nodes.join(', ')} for ${request.requestedBy}`;
    run.enter('waiting for its turn', { what: 'cordon the nodes, and judge every pod on them', atMs: null });
    const group = plan.group ?? NO_GROUP;
    ended =
      (await withTurn(run, {
        group,
        what,
        isEnded: steering.isEnded,
        act: () => drainInTurn({ ...parts, policy }, { plan, group, what }),
      })) ?? ENDED;
    if (isDone(ended) && request.remove !== true) await holdCordon(parts, plan);
  } finally {
    await CancellationScope.nonCancellable(async () => {
      await withdrawRequests(parts);
      await uncordonAll(parts);
    });
  }
  return isReasons(ended) ? record.result(ended) : ended;
}

const ENDED: readonly string[] = ['an operator ended the drain'];
const describeOther = ({ name, instanceId }: DrainPlan['nodes'][number]): string =>
  `${name} is another node by now (instance ${instanceId})`;
const isReasons = (ended: RunResult | readonly string[]): ended is readonly string[] => Array.isArray(ended);
const isDone = (ended: RunResult | readonly string[]): boolean => isReasons(ended) && ended.length === 0;

/** What was judged so short a time ago is as it is now. */
const FRESH_MS = 5_000;

interface Turn {
  /** As it was before the turn: names are used again, so these nodes, by uid, are cordoned or none (R46). */
  readonly plan: DrainPlan;
  readonly group: string;
  readonly what: string;
}

/** Why it went no further, or how the run ends; no reasons: the nodes are empty, and gone where they were to go. */
async function drainInTurn(parts: KnownParts, { plan, ...turn }: Turn): Promise<RunResult | readonly string[]> {
  const { steering, request } = parts;
  await steering.untilResumed();
  if (steering.isEnded()) return ENDED;
  const refused = await cordonAll(parts, plan);
  if (refused.length > 0) return { outcome: 'refused', reasons: refused } as const;

  const judgedAtMs = Date.now();
  const cordoned = await decide(parts, []);
  if ('outcome' in cordoned) return cordoned;
  await steering.untilResumed();
  if (steering.isEnded()) return ENDED;
  const jobs = await settleJobs(parts, cordoned.plan);
  if (jobs.kind === 'stop') return jobs.reasons;

  // the nodes went on working while people and jobs were waited for, so they are judged as they are now
  const isFresh = cordoned.plan.wait.length === 0 && Date.now() - judgedAtMs < FRESH_MS;
  const settled = isFresh ? cordoned : await decide(parts, jobs.interrupt);
  if ('outcome' in settled) return settled;
  if (steering.isEnded()) return ENDED;
  if (settled.plan.wait.length > 0)
    return settled.plan.wait.map((job) => `${job.kind} ${job.namespace}/${job.name} has come to run there meanwhile`);
  const judge = async (nodes: readonly string[]) => {
    const again = await decide({ ...parts, request: { ...request, nodes } }, jobs.interrupt);
    if (!('outcome' in again)) return again;
    return {
      reasons: 'reasons' in again && again.reasons.length > 0 ? again.reasons : [`it ended as ${again.outcome}`],
    };
  };
  return withSurge(parts, settled.plan, () => emptyAndRemove(parts, settled.plan, { ...turn, judge }));
}

/** The plan as things stand, without a blocker and approved as far as policy asks for that; else how the run ends. */
async function decide(parts: KnownParts, interrupt: readonly string[]) {
  const { approval } = parts;
  const planned = await planWhenReady(parts, interrupt);
  if (planned.kind === 'refuse') return { outcome: 'refused', reasons: planned.reasons } as const;
  const { plan, hash } = planned;
  if (plan.blockers.length > 0) return { outcome: 'refused', reasons: plan.blockers.map(describeBlocker) } as const;
  if (isPromised(plan)) return { plan };
  const unapproved = await approval.obtain({ intent: drainIntent(plan), planHash: hash, rule: plan.approval });
  return unapproved ?? { plan };
}

const LOOKS_AGAIN_MS = 5_000;

/** A node that is not ready may be again: after an outage of the API server they all seem to have lost their kubelets. */
async function planWhenReady({ run, steering, request, policy }: KnownParts, interrupt: readonly string[]) {
  const untilMs = Date.now() + policy.drain.evictionDeadlineMs;
  let isTold = false;
  for (;;) {
    const planned = await planNow(run, { request, policy, interrupt });
    const mayPass = planned.kind === 'refuse' && planned.passing && Date.now() < untilMs && !steering.isEnded();
    if (!mayPass || !patched('waits-until-ready')) return planned;
    if (!isTold) run.say(`it is looked at again until ${iso(untilMs)}: ${planned.reasons.join('; ')}`);
    isTold = true;
    await condition(steering.isEnded, LOOKS_AGAIN_MS, { summary: 'until the nodes are ready again' });
  }
}

/** The end of a loan was approved with the loan; whose jobs would be interrupted was not. */
function isPromised({ wait, interrupt }: DrainPlan): boolean {
  const isOfLoan = workflowInfo().parent?.workflowId.startsWith('add-gpu-nodes.') === true;
  return isOfLoan && wait.length === 0 && interrupt.length === 0;
}

/** With the policy that the run goes by. */
type KnownParts = DrainParts & { readonly policy: ResolvedDrain };

async function planNow(
  run: Run,
  {
    request,
    policy,
    interrupt = [],
  }: { readonly request: DrainRequest; readonly policy: ResolvedDrain; readonly interrupt?: readonly string[] },
) {
  const summary = `${request.nodes.join(', ')} and every pod there`;
  const remove = request.remove === true;
  const nodeClaims = remove && policy.drain.karpenter === 'remove';
  const survey = await reading.surveyDrain.executeWithOptions({ summary }, [
    { nodes: request.nodes, ...(remove && { remove }), ...(nodeClaims && { nodeClaims }) },
  ]);
  const decision = planDrain({ request, policy, survey, interrupt, nowMs: Date.now() });
  if (decision.kind === 'refuse') return decision;
  const { plan } = decision;
  const hash = await reckoning.hashIntent.executeWithOptions({ summary: 'fingerprint of the plan' }, [
    drainIntent(plan),
  ]);
  run.update({ planHash: hash, drain: { plan, nodes: run.status().drain?.nodes ?? [] } });
  return { kind: 'plan', plan, hash } as const;
}
