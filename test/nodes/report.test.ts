import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { additionId, drainId } from '../../domain/names.ts';
import type { AdditionReport } from '../../domain/report-addition.ts';
import type { DrainReport } from '../../domain/report-drain.ts';
import { eventually } from '../harness/eventually.ts';
import { inGpuLane, untilEnded, untilIn, type GpuLane } from '../harness/gpu-lane.ts';
import { aJob, answerCheckpoint, podsOn, put } from '../harness/gpu-pods.ts';

/** By a command, with no worker left to ask. */
async function reportOf<R>(gpu: GpuLane, id: string): Promise<R> {
  await gpu.lane.killWorker();
  const { code, stdout, stderr } = await gpu.lane.headroom('report', id, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as R;
}
const firstNode = (gpu: GpuLane): string => gpu.nodes()[0] ?? assert.fail('no nodes');
const ALWAYS = { approval: { drainGpuNode: 'always', addGpuNodes: 'always', expiresAfter: '60s' } };
const PATIENT = { waitForJobs: '1s', checkpointWithin: '40s', allowUnplacedGpuPods: true };

describe('the report of a run on GPU nodes', { concurrency: 3 }, () => {
  it('has who approved the removal, the job that left a checkpoint, and exactly the instance that went', () =>
    inGpuLane({ policy: { ...ALWAYS, drain: PATIENT } }, async (gpu) => {
      const node = firstNode(gpu);
      const [run, instance] = [drainId([node]), gpu.instanceOf(node)];
      await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
      await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1);
      await gpu.lane.headroom('drain', node, '--remove', '--as', 'alice', '--reason', 'old driver');
      await untilIn(gpu, run, 'waiting for approval');
      assert.equal((await gpu.lane.headroom('approve', run, '--as', 'bob', '--note', 'go <on>')).code, 0);
      await answerCheckpoint(gpu, node);
      assert.equal(await untilEnded(gpu, run), 'COMPLETED');

      const report = await reportOf<DrainReport>(gpu, run);
      assert.deepEqual([report.outcome, report.reasons, report.gaps], ['removed', [], []]);
      assert.deepEqual([report.askedFor.by, report.askedFor.note], ['alice', 'old driver']);
      assert.deepEqual(
        report.steered.map(({ by, what, note }) => [by, what, note]),
        [['bob', 'approved the plan', 'go <on>']],
      );
      const [row] = report.nodes;
      assert.deepEqual([row?.name, row?.instanceId, row?.state, row?.evicted], [node, instance, 'removed', 1]);
      const [told] = gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup');
      // as the stand-in saw it, within the second that a history may lie behind
      assert.ok(Math.abs((row?.toldAtMs ?? 0) - (told?.atMs ?? 0)) < 2_000);
      assert.deepEqual(
        report.jobs.map(({ name, became }) => [name, became]),
        [[`Job ${gpu.lane.namespace}/train`, 'interrupted after a checkpoint']],
      );
      assert.deepEqual([report.size.before?.desired, report.size.after], [4, gpu.sizes().desired]);
      const file = join(gpu.lane.directory, 'drain.html');
      const text = await gpu.lane.headroom('report', run, '--html', file);
      assert.match(text.stdout, /^ {2}steered {3}approved the plan by bob, 20\S+ \(go <on>\)$/m);
      assert.match(readFileSync(file, 'utf8'), /<dd>approved the plan by bob, \S+ \(go &lt;on&gt;\)<\/dd>/);
    }));

  it('has what was given back where a drain was cancelled, and by whom', () =>
    inGpuLane({ policy: { drain: { waitForJobs: '1m', protectYoungGpuJobs: '0s' } } }, async (gpu) => {
      const node = firstNode(gpu);
      const run = drainId([node]);
      await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
      await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1);
      await gpu.lane.headroom('drain', node, '--remove', '--as', 'alice');
      await untilIn(gpu, run, 'waiting for jobs');
      assert.equal((await gpu.lane.headroom('cancel', run, '--as', 'carol', '--note', 'wrong node')).code, 0);
      assert.equal(await untilEnded(gpu, run), 'CANCELLED');
      const { outcome, nodes, jobs, steered, timeline } = await reportOf<DrainReport>(gpu, run);
      assert.deepEqual([outcome, nodes[0]?.state, nodes[0]?.evicted], ['cancelled', 'given back', 0]);
      assert.deepEqual(
        [jobs[0]?.became, steered.map(({ by, note }) => [by, note])],
        ['runs on', [['carol', 'wrong node']]],
      );
      assert.ok(timeline.some(({ what }) => what === `${node} is schedulable again`));
      assert.equal(await gpu.isSchedulable(node), true);
    }));

  it('has the words of AWS, the node that came from the other group, and the run that gave it back', () =>
    inGpuLane({ second: { min: 1, max: 4, desired: 1 }, policy: ALWAYS }, async (gpu) => {
      const run = additionId(gpu.group);
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: 0 });
      const words = ['--count', '1', '--or', gpu.spare, '--for', '1h', '--as', 'alice'];
      await gpu.lane.headroom('add-nodes', gpu.group, ...words);
      await untilIn(gpu, run, 'waiting for approval');
      assert.equal((await gpu.lane.headroom('approve', run, '--as', 'bob')).code, 0);
      await untilIn(gpu, run, 'holding', 60_000);
      const ended = await gpu.lane.headroom('end', run, '--as', 'bob', '--note', 'trained');
      assert.equal(ended.code, 0, ended.stderr);
      assert.equal(await untilEnded(gpu, run, 90_000), 'COMPLETED');

      const report = await reportOf<AdditionReport>(gpu, run);
      assert.deepEqual([report.outcome, report.count], ['added', 1]);
      assert.deepEqual(
        report.orders.map(({ group, usable, desired }) => [group, usable, desired]),
        [
          [gpu.group, 0, { from: 4, to: 5, after: 4 }],
          [gpu.spare, 1, { from: 1, to: 2, after: 2 }],
        ],
      );
      assert.match(report.orders[0]?.said.join() ?? '', /InsufficientInstanceCapacity|do not have sufficient/);
      const [node] = report.nodes;
      assert.deepEqual([node?.group, node?.missing], [gpu.spare, []]);
      assert.ok((node?.usableAfterMs ?? 0) > 0 && (node?.usableAfterMs ?? 0) < 60_000);
      const drain = drainId([node?.name ?? '']);
      assert.deepEqual(report.loan, { forMs: 3_600_000, returned: true, drains: [drain] });
      assert.deepEqual(
        report.steered.map(({ by, what, note }) => [by, what, note]),
        [
          ['bob', 'approved the plan', null],
          ['bob', 'ended it', 'trained'],
        ],
      );
      assert.ok(report.timeline.some(({ what }) => what === `${drain} drains and removes what was lent`));
      assert.equal((await reportOf<DrainReport>(gpu, drain)).outcome, 'removed');
    }));
});
