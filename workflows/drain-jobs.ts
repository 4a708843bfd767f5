import { condition } from '@temporalio/workflow';
import type { DrainPlan, WaitedJob } from '../domain/drain.ts';
import { formatDuration } from '../domain/duration.ts';
import type { DrainParts } from './drain-record.ts';
import { writingNodes, watching } from './stubs.ts';
import { unless } from './unless.ts';
import type { JobRef } from '../domain/drain-pod.ts';
import { reasonOf } from './tell-owners.ts';

/** Whether the drain goes on, and which jobs it may interrupt. */
export type Settled =
  | { readonly kind: 'go'; readonly interrupt: readonly string[] }
  | { readonly kind: 'stop'; readonly reasons: readonly string[] };

/** Jobs go on to their end for as long as policy lets them; then to a checkpoint, or to a person's word, as policy says. */
export async function settleJobs(parts: DrainParts, plan: DrainPlan): Promise<Settled> {
  if (plan.wait.length === 0) return { kind: 'go', interrupt: [] };
  const { policy } = plan;
  const left = await waitFor(parts, plan, { jobs: plan.wait, ms: policy.waitForJobsMs, what: 'the end' });
  if (parts.steering.isEnded()) return { kind: 'stop', reasons: ['an operator ended the drain'] };
  if (left.length === 0) return { kind: 'go', interrupt: [] };
  const firm = left.filter(({ uninterruptible }) => uninterruptible.length > 0);
  if (firm.length > 0) return { kind: 'stop', reasons: firm.flatMap(whyFirm) };
  switch (policy.jobsLeft) {
    case 'stop':
      return {
        kind: 'stop',
        reasons: left.map((job) => `${nameOf(job)} still runs, and policy interrupts none (drain.jobsLeft)`),
      };
    case 'ask':
      return ask(parts, left, []);
    case 'checkpoint':
      return takeCheckpoints(parts, plan, left);
  }
}

/** The handshake: we ask by an annotation, the workload answers by another; who has answered may be interrupted. */
async function takeCheckpoints(parts: DrainParts, plan: DrainPlan, jobs: readonly WaitedJob[]): Promise<Settled> {
  const { run, steering, record } = parts;
  const refs = jobs.map(refOf);
  record.noteAsked(refs);
  const options = { summary: `ask ${jobs.length} jobs for a checkpoint` };
  await writingNodes.requestCheckpoints.executeWithOptions(options, [{ jobs: refs, owner: run.claimId }]);
  run.say(`asked for a checkpoint: ${jobs.map(nameOf).join(', ')}`);
  const ms = plan.policy.checkpointWithinMs;
  const silent = await waitFor(parts, plan, { jobs, ms, what: 'a checkpoint', checkpoints: true });
  if (steering.isEnded()) return { kind: 'stop', reasons: ['an operator ended the drain'] };
  const answered = jobs.filter(({ uid }) => !silent.some((one) => one.uid === uid)).map(({ uid }) => uid);
  return silent.length === 0 ? { kind: 'go', interrupt: answered } : ask(parts, silent, answered);
}

/** However the run ends: nobody waits for checkpoints any more. Pods that were evicted took their request along. */
export async function withdrawRequests({ run, record }: DrainParts): Promise<void> {
  const jobs = record.asked();
  if (jobs.length === 0) return;
  const options = { summary: 'nobody waits for checkpoints any more' };
  const withdraw = writingNodes.withdrawCheckpoints.executeWithOptions(options, [{ jobs, owner: run.claimId }]);
  // a request that stays does no harm; a node that stays cordoned does
  await withdraw.catch((error: unknown) => run.say(`requests for checkpoints were not taken back: ${reasonOf(error)}`));
}

interface Waiting {
  readonly jobs: readonly WaitedJob[];
  readonly ms: number;
  readonly what: string;
  readonly checkpoints?: boolean;
}

/** Those that are not done when the time is over; an operator can make it longer, or end it. */
async function waitFor(
  { run, steering }: DrainParts,
  plan: DrainPlan,
  { jobs, ms, what, checkpoints = false }: Waiting,
): Promise<readonly WaitedJob[]> {
  const { policy } = plan;
  const nodes = plan.nodes.map(({ name }) => name);
  const sinceMs = Date.now();
  const extendedBefore = steering.extendedMs();
  for (;;) {
    const extended = steering.extendedMs();
    const deadlineMs = sinceMs + ms + extended - extendedBefore;
    run.enter('waiting for jobs', {
      what: `${what} of ${jobs.map(nameOf).join(', ')} is not waited for any longer`,
      atMs: deadlineMs,
    });
    const isSteered = () => steering.isSkipped() || steering.isEnded() || steering.extendedMs() !== extended;
    const report = await unless(isSteered, () =>
      watching.awaitJobs.executeWithOptions({ summary: `for ${what}, at most ${formatDuration(ms)}` }, [
        {
          jobs: jobs.map(refOf),
          nodes,
          deadlineMs,
          everyMs: policy.checkEveryMs,
          ...(checkpoints && { owner: run.claimId }),
        },
      ]),
    );
    if (report !== undefined) {
      const left =
        report.kind === 'deadline' ? jobs.filter(({ uid }) => report.left.some((one) => one.uid === uid)) : [];
      run.say(left.length === 0 ? `${jobs.map(nameOf).join(', ')}: done` : `not done: ${left.map(nameOf).join(', ')}`);
      return left;
    }
    if (steering.isEnded() || steering.takeSkip()) return jobs;
  }
}

/** A person says whether they are interrupted; nobody's answer is a no. */
async function ask(
  { run, steering }: DrainParts,
  jobs: readonly WaitedJob[],
  answered: readonly string[],
): Promise<Settled> {
  // what was said of the wait before is no answer to this
  steering.takeSkip();
  const ms = run.status().drain?.plan.approval.expiresAfterMs ?? 0;
  const sinceMs = Date.now();
  const extendedBefore = steering.extendedMs();
  const what = 'interrupt these jobs (skip), or give the nodes back (end)?';
  const isAnswered = () => steering.isSkipped() || steering.isEnded();
  for (;;) {
    const extended = steering.extendedMs();
    const untilMs = sinceMs + ms + extended - extendedBefore;
    run.update({ question: { what, reasons: jobs.map(costLine), atMs: untilMs } });
    run.enter('waiting for jobs', { what: 'without an answer the nodes are given back', atMs: untilMs });
    const isSaid = () => isAnswered() || steering.extendedMs() !== extended;
    const summary = 'for a person’s word on jobs that still run';
    const wasSaid = await condition(isSaid, Math.max(1, untilMs - Date.now()), { summary });
    if (!wasSaid || isAnswered()) break;
  }
  run.update({ question: null });
  if (steering.takeSkip() && !steering.isEnded())
    return { kind: 'go', interrupt: [...answered, ...jobs.map(({ uid }) => uid)] };
  const why = steering.isEnded() ? 'an operator ended the drain' : 'nobody said that it may be interrupted';
  return { kind: 'stop', reasons: jobs.map((job) => `${nameOf(job)} still runs: ${why}`) };
}

function refOf({ kind, namespace, name, uid }: WaitedJob): JobRef {
  return { kind, namespace, name, uid };
}

function nameOf({ kind, namespace, name }: WaitedJob): string {
  return `${kind} ${namespace}/${name}`;
}

function whyFirm(job: WaitedJob): readonly string[] {
  return job.uninterruptible.map(
    ({ why, allow }) => `${nameOf(job)} still runs and may not be interrupted: ${why}; ${allow}`,
  );
}

function costLine(job: WaitedJob): string {
  return `${nameOf(job)} on ${job.nodes.join(', ')}: ${job.cost.nodeHours} node hours would be lost${job.cost.money === null ? '' : `, about ${job.cost.money}`}`;
}
