import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeState } from '../../domain/gpu-node.ts';
import { judgeGpus, type GpuFacts } from '../../domain/gpu-status.ts';
import { aGpuNode, aGroup, P5 } from './addition-builders.ts';

const TYPE = { 'node.kubernetes.io/instance-type': 'p5.48xlarge', 'eks.amazonaws.com/nodegroup': 'gpu-workers' };
const node = (
  of: Partial<NodeState> = {},
  more: Partial<GpuFacts['nodes'][number]> = {},
): GpuFacts['nodes'][number] => ({
  state: aGpuNode('i-01', { name: 'n1', labels: TYPE, ...of }),
  mark: null,
  ownerRuns: false,
  ...more,
});
const pod = (name: string, of: Partial<GpuFacts['pods'][number]> = {}): GpuFacts['pods'][number] => {
  return { namespace: 'ml', name, node: 'n1', phase: 'Running', ready: true, owner: null, gpus: 0, ...of };
};
const daemon = (name: string, of: Partial<GpuFacts['pods'][number]> = {}) =>
  pod(name, { owner: { kind: 'DaemonSet', name, uid: name }, ...of });
const facts = (of: Partial<GpuFacts> = {}): GpuFacts => ({
  atMs: 3_600_000,
  nodes: [node()],
  pods: [daemon('nvidia-device-plugin')],
  groups: [],
  types: [P5],
  utilisation: { n1: 42.4 },
  unread: '',
  ...of,
});
const alarms = (of: Partial<GpuFacts>) =>
  judgeGpus(facts(of)).findings.flatMap(({ says, needsPerson }) => (needsPerson ? [says] : []));
const NO_GPUS = { allocatable: {} };

describe('the status of GPU nodes', () => {
  it('shows who uses which GPUs, and how busy they are', () => {
    const { nodes, isWell } = judgeGpus(
      facts({ pods: [pod('train', { gpus: 6 }), pod('over', { gpus: 2, phase: 'Succeeded' }), pod('web')] }),
    );
    assert.deepEqual(nodes, [
      {
        name: 'n1',
        instanceId: 'i-01',
        type: 'p5.48xlarge',
        group: 'gpu-workers',
        gpus: { allocatable: 8, used: 6, expected: 8 },
        utilisation: 42.4,
        devicePlugin: 'none',
        dcgm: 'none',
        pods: ['ml/train (6)'],
      },
    ]);
    assert.equal(isWell, true);
  });
  it('does not show nodes without GPUs', () => {
    assert.deepEqual(judgeGpus(facts({ nodes: [node({ ...NO_GPUS, labels: {} })] })).nodes, []);
  });
  for (const [name, pods, says] of [
    ['no device plugin runs anywhere', [], /0 of 8 GPUs are registered: no device plugin runs anywhere/],
    ['none runs on it', [daemon('nvidia-device-plugin', { node: 'n2' })], /no device plugin runs on it/],
    [
      'its plugin is not ready',
      [daemon('nvidia-device-plugin', { ready: false })],
      /ml\/nvidia-device-plugin is not ready/,
    ],
    ['its plugin is ready', [daemon('nvidia-device-plugin')], /look at the driver, and at Xid errors.*1h old/],
  ] as const)
    it(`says why a GPU is not there where ${name}`, () =>
      assert.match(alarms({ nodes: [node(NO_GPUS)], pods }).join(), says));

  const daemons: readonly (readonly [string, GpuFacts['pods'], string, string])[] = [
    ['that has none of them', [daemon('node-exporter')], 'none', 'none'],
    ['where both are ready', [daemon('nvidia-device-plugin'), daemon('dcgm-exporter')], 'ready', 'ready'],
    [
      'where neither is',
      [daemon('nvidia-device-plugin', { ready: false }), daemon('nvidia-dcgm', { ready: false })],
      'not ready',
      'not ready',
    ],
    [
      'where one of two is not',
      [daemon('nvidia-dcgm'), daemon('dcgm-exporter', { ready: false })],
      'none',
      'not ready',
    ],
    [
      'beside others that have them',
      [daemon('nvidia-device-plugin', { node: 'n2' }), daemon('dcgm-exporter', { node: 'n2' })],
      'none',
      'none',
    ],
    [
      'where an older one has ended',
      [daemon('nvidia-device-plugin'), daemon('nvidia-device-plugin', { phase: 'Failed', ready: false })],
      'ready',
      'none',
    ],
    [
      'with a pod that is only called so',
      [pod('dcgm-exporter', { owner: { kind: 'Job', name: 'dcgm-exporter', uid: 'j' } })],
      'none',
      'none',
    ],
  ];
  for (const [name, pods, devicePlugin, dcgm] of daemons)
    it(`tells device plugin and DCGM of a node ${name}`, () => {
      const [line] = judgeGpus(facts({ pods })).nodes;
      assert.deepEqual([line?.devicePlugin, line?.dcgm], [devicePlugin, dcgm]);
    });

  it('names who cordoned a node, and since when, also where it was no run', () => {
    const mark = { owner: 'drain-gpu-node.n1/r1', requestedBy: 'alice', atMs: 0, untilMs: null };
    const cordoned = { schedulable: false };
    const cordonedBy = { manager: 'kubectl-cordon', atMs: 1_800_000 };
    assert.match(
      alarms({ nodes: [node({ ...cordoned, cordonedBy })] }).join(),
      /^it is cordoned by kubectl-cordon, since at least 30m ago, and for no run of headroom: kubectl uncordon/,
    );
    assert.match(alarms({ nodes: [node(cordoned)] }).join(), /^it is cordoned by nobody that can be told, and for no/);
    assert.match(alarms({ nodes: [node(cordoned, { mark })] }).join(), /by drain-gpu-node.n1, 1h ago, which has ended/);
    assert.deepEqual(alarms({ nodes: [node(cordoned, { mark, ownerRuns: true })] }), []);
  });
  it('tells a node that is not Ready', () =>
    assert.match(alarms({ nodes: [node({ ready: false })] }).join(), /not Ready/));

  it('compares a group with the policy, and tells what EKS complains of', () => {
    const group = (of: Parameters<typeof aGroup>[0]) => [
      { name: 'gpu-workers', policy: { limits: { min: 1, max: 5 }, instanceTypes: [] }, state: aGroup(of), unread: '' },
    ];
    assert.deepEqual(alarms({ groups: group({}) }), []);
    const issues = [{ code: 'AsgInstanceLaunchFailures', message: 'no capacity', resourceIds: [] }];
    assert.deepEqual(alarms({ groups: group({ status: 'DEGRADED', issues, live: { min: 0, max: 10, desired: 6 } }) }), [
      'EKS calls it DEGRADED',
      'AsgInstanceLaunchFailures: no capacity',
      'it wants 6 nodes and headroom.yaml allows 5',
    ]);
    const unread = judgeGpus(facts({ groups: [{ ...group({})[0], state: null, unread: 'no region' } as never] }));
    assert.deepEqual([unread.isWell, unread.findings.at(-1)?.says], [true, 'AWS was not read: no region']);
  });
});
