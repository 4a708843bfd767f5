import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderPage } from '../../sandbox/exporter.ts';
import { LATENCY_BUCKETS, startLoad, step, withErrors } from '../../sandbox/load-model.ts';

describe('the pages for Prometheus', () => {
  const pods = ['pod-0', 'pod-1'].map((name) => ({
    name,
    uid: name,
    cpuCores: 8,
    node: 'node-1',
    memoryBytes: 2 ** 34,
    gpus: 1,
    containers: [{ name: 'tensafe', limits: { cpu: 8, memory: 2 ** 34, 'nvidia.com/gpu': 1 }, requests: { cpu: 4 } }],
  }));
  const model = step(step(withErrors(startLoad(100, pods), 5), pods, 30_000), pods, 30_000);
  const loads = [{ namespace: 'tensafe', workload: 'tensafe-server', model, pods }];
  const page = (path: string): string => renderPage(path, loads) ?? assert.fail(`there is no page ${path}`);

  it('have every bucket of the histogram, none above the count', () => {
    const buckets = [...page('/metrics/service/tensafe').matchAll(/_bucket\{.*le="([^"]+)"\} (\d+)/g)];
    assert.deepEqual(
      buckets.map(([, le]) => le),
      [...LATENCY_BUCKETS.map(String), '+Inf'],
    );
    const counts = buckets.map(([, , count]) => Number(count));
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    );
    assert.match(
      page('/metrics/service/tensafe'),
      new RegExp(`tensafe_inference_latency_seconds_count\\{.*\\} ${counts.at(-1)}\n`),
    );
  });

  it('count each request once, by the code of its answer', () => {
    const counts = [
      ...page('/metrics/service/tensafe').matchAll(/tensafe_http_requests_total\{.*code="(\d+)"\} (\d+)/g),
    ];
    assert.deepEqual(
      counts.map(([, code, count]) => [code, Number(count)]),
      [
        ['200', 5700],
        ['500', 300],
        ['503', 0],
      ],
    );
  });

  it('say nothing of another namespace', () => {
    assert.equal(page('/metrics/service/other'), '');
  });

  it('leave the namespace of a service to its target, and name the one of a GPU', () => {
    assert.doesNotMatch(page('/metrics/service/tensafe'), /namespace=/);
    assert.match(page('/metrics/dcgm'), /DCGM_FI_DEV_GPU_UTIL\{.*namespace="tensafe",pod="pod-0"/);
  });

  it('count the whole pod beside its container, as cAdvisor does', () => {
    const lines = page('/metrics/kubelet').match(/container_cpu_usage_seconds_total\{.*\} .*/g) ?? [];
    assert.equal(lines.length, 4);
    assert.equal(lines.filter((line) => line.includes('container=""')).length, 2);
  });

  it('are no others', () => {
    assert.equal(renderPage('/metrics/nothing', loads), undefined);
  });
});
