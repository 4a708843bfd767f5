import type { Call, DrainFactsPort } from '../../activities/ports.ts';
import { isOurs, requestedMark, type JobNow } from '../../domain/drain-checkpoint.ts';
import type { JobRef } from '../../domain/drain-pod.ts';
import type { DrainSurvey } from '../../domain/drain-survey.ts';
import type { PodRef } from '../../domain/eviction.ts';

/** What a drain is judged by, as a test says it; jobs keep their checkpoint marks. */
export class FakeDrains implements DrainFactsPort {
  facts: Awaited<ReturnType<DrainFactsPort['readDrain']>> = { nodes: [], pods: [], budgets: [], jobs: [] };
  readonly jobs = new Map<string, JobNow>();
  /** What the next look at jobs fails with. */
  failure: Error | undefined;

  say({ nodes, pods, budgets, jobs }: DrainSurvey): void {
    this.facts = { nodes, pods, budgets, jobs };
    for (const { kind, namespace, name, uid, pods } of jobs) this.jobs.set(uid, { kind, namespace, name, uid, pods });
  }

  /** All its pods are over. */
  finish(uid: string): void {
    this.jobs.delete(uid);
  }

  /** What a workload writes that has left a checkpoint. */
  answer(uid: string, ...names: readonly string[]): void {
    this.#change(uid, (pod) => {
      const { checkpoint } = pod;
      return checkpoint === null || (names.length > 0 && !names.includes(pod.name))
        ? pod
        : { ...pod, checkpoint: { ...checkpoint, state: 'done' } };
    });
  }

  async readDrain(names: readonly string[]): ReturnType<DrainFactsPort['readDrain']> {
    const { nodes, pods } = this.facts;
    return {
      ...this.facts,
      nodes: names.map((name) => nodes.find((one) => one.name === name) ?? { name, state: null }),
      pods: pods.filter(({ node }) => names.includes(node)),
    };
  }

  async readPods(names: readonly string[]): ReturnType<DrainFactsPort['readPods']> {
    return this.facts.pods.filter(({ node }) => names.includes(node));
  }

  async readJobs(jobs: readonly JobRef[]): Promise<readonly JobNow[]> {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    return jobs.map((job) => this.jobs.get(job.uid) ?? { ...job, pods: [] });
  }

  async setCheckpoints(
    pods: readonly PodRef[],
    { owner, ask }: { readonly owner: string; readonly ask: boolean },
    _call: Call,
  ): Promise<{ readonly pods: number }> {
    const uids = new Set(pods.map(({ uid }) => uid));
    let found = 0;
    for (const uid of this.jobs.keys())
      this.#change(uid, (pod) => {
        if (!uids.has(pod.uid)) return pod;
        found += 1;
        const { checkpoint } = pod;
        if (ask) return { ...pod, checkpoint: requestedMark(checkpoint, owner) ?? checkpoint };
        return isOurs(checkpoint, owner) ? { ...pod, checkpoint: null } : pod;
      });
    return { pods: found };
  }

  #change(uid: string, to: (pod: JobNow['pods'][number]) => JobNow['pods'][number]): void {
    const job = this.jobs.get(uid);
    if (job !== undefined) this.jobs.set(uid, { ...job, pods: job.pods.map(to) });
  }
}
