import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGpuActivities } from '../../activities/gpus.ts';
import { NO_CLOUD } from '../fakes/no-cloud.ts';
import { FakeDrains } from '../fakes/drains.ts';
import { FakeMetrics, type FakeAnswer } from '../fakes/metrics.ts';
import { FakeNodes } from '../fakes/nodes.ts';
import { anActivity } from '../harness/activity.ts';

const QUERY = 'avg by (Hostname) (busy)';

/** Judging where pods would go looks at the whole cluster, for what a status never shows. */
class UnjudgedDrains extends FakeDrains {
  override readDrain(): Promise<never> {
    return assert.fail('a status judges no drain');
  }
}

async function measured(answer: FakeAnswer) {
  const metrics = new FakeMetrics();
  metrics.answers.set(QUERY, answer);
  const policy = { nodeGroups: {}, gpuInstanceTypes: {}, gpu: { utilisation: QUERY } };
  const activities = createGpuActivities({
    ...NO_CLOUD,
    metrics,
    nodes: new FakeNodes(),
    drains: new UnjudgedDrains(),
    runs: { isRunning: async () => true, find: async () => null, countSince: async () => 0 },
    policy: { policy: () => policy as never },
  });
  const { utilisation, unread } = await anActivity().act(() => activities.readGpus());
  return { utilisation, unread };
}

describe('reading how busy GPU nodes are', () => {
  it('asks the query of the policy, and takes the last value of each node', async () => {
    const labels = (Hostname: string) => ({ Hostname });
    const end = Date.now();
    const rising = [
      { labels: labels('n1'), at: (atMs: number) => (atMs > end - 60_000 ? 80 : 20) },
      { labels: labels('n2'), at: () => 7 },
    ];
    assert.deepEqual(await measured(rising), { utilisation: { n1: 80, n2: 7 }, unread: '' });
  });

  const rows: readonly { readonly name: string; readonly answer: FakeAnswer; readonly says: RegExp }[] = [
    {
      name: 'nothing is measured',
      answer: [],
      says: /has nothing of the last 5 minutes: avg by .*\(gpu\.utilisation\)/,
    },
    {
      name: 'nodes go by another label',
      answer: [{ labels: { node: 'n1' }, at: () => 7 }],
      says: /without label Hostname, by which the nodes go: avg by/,
    },
    { name: 'the query cannot be read', answer: 'badQuery', says: /cannot read the query avg by/ },
    { name: 'Prometheus is down', answer: 'down', says: /is down/ },
  ];
  for (const { name, answer, says } of rows)
    it(`says so where ${name}`, async () => {
      const { utilisation, unread } = await measured(answer);
      assert.equal(utilisation, null);
      assert.match(unread, says);
    });
});
