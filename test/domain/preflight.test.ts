import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  findClusterCapacity,
  findPodFacts,
  judgePreflight,
  type ContainerFacts,
  type LimitRangeFacts,
  type NodeCapacity,
  type PlacedPod,
  type PodFacts,
  type PodSpecFacts,
  type QuotaFacts,
  type SpreadRule,
} from '../../domain/preflight.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';

function aContainer(of: Partial<ContainerFacts> = {}): ContainerFacts {
  return { name: 'app', requests: {}, limits: {}, ...of };
}
function aSpec(of: Partial<PodSpecFacts> = {}): PodSpecFacts {
  return {
    namespace: 'tensafe',
    labels: { app: 'server' },
    containers: [aContainer({ requests: { cpu: '1', memory: '1Gi' } })],
    initContainers: [],
    overhead: {},
    requests: {},
    limits: {},
    nodeSelector: {},
    tolerations: [],
    antiAffinity: [],
    spread: [],
    hostPorts: false,
    priorityClass: '',
    deadline: false,
    crossNamespaceAffinity: false,
    ...of,
  };
}
/** Asks for one cpu and a gibibyte. */
function aPod(of: Partial<PodFacts> = {}): PodFacts {
  return { ...findPodFacts(aSpec()), unstated: [], ...of };
}
/** Four cpu, empty, in zone a. */
function aNode(of: Partial<NodeCapacity> = {}): NodeCapacity {
  return {
    name: 'n1',
    labels: { [ZONE]: 'a' },
    taints: [],
    schedulable: true,
    ready: true,
    allocatable: { cpu: '4', memory: '16Gi', pods: '110' },
    requested: {},
    podCount: 0,
    ownPods: 0,
    ...of,
  };
}
function aQuota(hard: Record<string, string>, used: Record<string, string>, of: Partial<QuotaFacts> = {}): QuotaFacts {
  return { name: 'q', hard, used, scopes: [], ...of };
}
function judge(
  podsToAdd: number,
  {
    pod = aPod(),
    nodes = [aNode({ allocatable: { cpu: '1000', memory: '4Ti', pods: '1000' } })],
    quotas = [],
    unplacedPods = 0,
  }: {
    readonly pod?: PodFacts;
    readonly nodes?: readonly NodeCapacity[];
    readonly quotas?: readonly QuotaFacts[];
    readonly unplacedPods?: number;
  } = {},
) {
  const verdict = judgePreflight({ podsToAdd, pod, quotas, cluster: { nodes, unplacedPods } });
  return verdict.kind === 'fits' ? { fits: podsToAdd, reasons: [], impossible: false } : verdict;
}
function fitting(podsToAdd: number, of: Parameters<typeof judge>[1]): number {
  return judge(podsToAdd, of).fits;
}

describe('what a pod asks for', () => {
  const rows: readonly {
    name: string;
    spec: Partial<PodSpecFacts>;
    requests: Record<string, string>;
    limits?: Record<string, string>;
  }[] = [
    {
      name: 'adds up its containers',
      spec: {
        containers: [aContainer({ requests: { cpu: '500m', memory: '1Gi' } }), aContainer({ requests: { cpu: '1' } })],
      },
      requests: { cpu: '1500m', memory: '1Gi' },
    },
    {
      name: 'takes a limit without a request for the request',
      spec: { containers: [aContainer({ limits: { cpu: '2', 'nvidia.com/gpu': '1' } })] },
      requests: { cpu: '2', 'nvidia.com/gpu': '1' },
      limits: { cpu: '2', 'nvidia.com/gpu': '1' },
    },
    {
      name: 'takes the largest init container where it is more than all containers',
      spec: {
        containers: [aContainer({ requests: { cpu: '1', memory: '3Gi' } })],
        initContainers: [aContainer({ requests: { cpu: '4' } }), aContainer({ requests: { cpu: '2', memory: '1Gi' } })],
      },
      requests: { cpu: '4', memory: '3Gi' },
    },
    {
      name: 'adds sidecars to the containers, and those before it to an init container',
      spec: {
        containers: [aContainer({ requests: { cpu: '1' } })],
        initContainers: [
          aContainer({ requests: { cpu: '10' } }),
          aContainer({ requests: { cpu: '2' }, sidecar: true }),
          aContainer({ requests: { cpu: '9' } }),
          aContainer({ requests: { cpu: '3' }, sidecar: true }),
        ],
      },
      requests: { cpu: '11' },
    },
    {
      name: 'counts sidecars while it runs',
      spec: {
        containers: [aContainer({ requests: { cpu: '1' } })],
        initContainers: [
          aContainer({ requests: { cpu: '2' }, sidecar: true }),
          aContainer({ requests: { cpu: '500m' } }),
        ],
      },
      requests: { cpu: '3' },
    },
    {
      name: 'adds the overhead to all requests, and to the limits that are stated',
      spec: {
        containers: [aContainer({ requests: { cpu: '1' }, limits: { cpu: '2' } })],
        overhead: { cpu: '250m', memory: '128Mi' },
      },
      requests: { cpu: '1250m', memory: '128Mi' },
      limits: { cpu: '2250m' },
    },
    {
      name: 'lets the pod-level amounts speak for cpu and memory, not for devices',
      spec: {
        containers: [aContainer({ requests: { cpu: '1', 'nvidia.com/gpu': '1' } })],
        requests: { cpu: '3', 'nvidia.com/gpu': '8' },
        limits: { cpu: '5' },
      },
      requests: { cpu: '3', 'nvidia.com/gpu': '1' },
      limits: { cpu: '5' },
    },
    {
      name: 'takes a pod-level limit for the request only where no container has one',
      spec: { containers: [aContainer({ requests: { cpu: '1' } })], limits: { cpu: '4', memory: '2Gi' } },
      requests: { cpu: '1', memory: '2Gi' },
      limits: { cpu: '4', memory: '2Gi' },
    },
    {
      name: 'counts a resize under way with the larger of wish and fact',
      spec: {
        containers: [aContainer({ requests: { cpu: '1', memory: '2Gi' }, allocated: { cpu: '3', memory: '1Gi' } })],
      },
      requests: { cpu: '3', memory: '2Gi' },
    },
  ];
  for (const { name, spec, requests, limits = {} } of rows) {
    it(name, () => {
      const facts = findPodFacts(aSpec(spec));
      assert.deepEqual(facts.requests, requests);
      assert.deepEqual(facts.limits, limits);
    });
  }

  it('hands the required node affinity on, and its absence too', () => {
    const nodeTerms = [{ matchExpressions: [], matchFields: [] }];
    assert.deepEqual(findPodFacts(aSpec({ nodeTerms })).nodeTerms, nodeTerms);
    assert.equal('nodeTerms' in findPodFacts(aSpec()), false);
  });

  it('names what some container leaves out', () => {
    const containers = [
      aContainer({ requests: { memory: '1' }, limits: { cpu: '1' } }),
      aContainer({ requests: { cpu: '1', memory: '1' } }),
    ];
    assert.deepEqual(findPodFacts(aSpec({ containers })).unstated, ['limits.cpu', 'limits.memory']);
    const initContainers = [aContainer({ limits: { cpu: '1' } })];
    assert.deepEqual(findPodFacts(aSpec({ containers: [], initContainers })).unstated, [
      'requests.memory',
      'limits.memory',
    ]);
    assert.deepEqual(findPodFacts(aSpec({ containers, limits: { cpu: '2', memory: '2Gi' } })).unstated, []);
  });

  it('is best effort only without any cpu and memory', () => {
    assert.equal(findPodFacts(aSpec()).bestEffort, false);
    assert.equal(findPodFacts(aSpec({ containers: [aContainer({ limits: { memory: '1Gi' } })] })).bestEffort, false);
    assert.equal(
      findPodFacts(aSpec({ containers: [aContainer({ requests: { 'nvidia.com/gpu': '1', cpu: '0' } })] })).bestEffort,
      true,
    );
  });

  const selector = { matchLabels: { app: 'server' }, matchExpressions: [] };
  const term = { topologyKey: HOSTNAME, selector, namespaces: [], selectsNamespaces: false };
  const aparts: readonly { name: string; spec: Partial<PodSpecFacts>; apart: string[] }[] = [
    { name: 'its anti-affinity selects itself', spec: { antiAffinity: [term] }, apart: [HOSTNAME] },
    {
      name: 'its anti-affinity selects others',
      spec: { antiAffinity: [{ ...term, selector: { matchLabels: { app: 'db' }, matchExpressions: [] } }] },
      apart: [],
    },
    {
      name: 'an expression excludes itself',
      spec: {
        antiAffinity: [
          {
            ...term,
            selector: { matchLabels: {}, matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['server'] }] },
          },
        ],
      },
      apart: [],
    },
    {
      name: 'one of two labels differs',
      spec: {
        antiAffinity: [{ ...term, selector: { matchLabels: { app: 'server', tier: 'db' }, matchExpressions: [] } }],
      },
      apart: [],
    },
    {
      name: 'its anti-affinity is about another namespace',
      spec: { antiAffinity: [{ ...term, namespaces: ['other'] }] },
      apart: [],
    },
    {
      name: 'its anti-affinity is about its own namespace by name',
      spec: { antiAffinity: [{ ...term, namespaces: ['tensafe'] }] },
      apart: [HOSTNAME],
    },
    {
      name: 'its anti-affinity may be about any namespace',
      spec: { antiAffinity: [{ ...term, namespaces: ['other'], selectsNamespaces: true }] },
      apart: [HOSTNAME],
    },
    {
      name: 'its anti-affinity has no selector, which selects nothing',
      spec: { antiAffinity: [{ topologyKey: HOSTNAME, namespaces: [], selectsNamespaces: false }] },
      apart: [],
    },
    { name: 'it has a host port', spec: { hostPorts: true }, apart: [HOSTNAME] },
    {
      name: 'several rules say the same',
      spec: { hostPorts: true, antiAffinity: [term, { ...term, topologyKey: ZONE }] },
      apart: [HOSTNAME, ZONE],
    },
  ];
  for (const { name, spec, apart } of aparts) {
    it(`keeps apart over [${apart.join(', ')}] when ${name}`, () =>
      assert.deepEqual(findPodFacts(aSpec(spec)).apart, apart));
  }

  it('spreads by the rules that forbid and that count the pod itself', () => {
    const rule = {
      topologyKey: ZONE,
      maxSkew: 1,
      whenUnsatisfiable: 'DoNotSchedule',
      selector,
      nodeAffinityPolicy: '',
      nodeTaintsPolicy: '',
    };
    const spread = [
      rule,
      { ...rule, whenUnsatisfiable: 'ScheduleAnyway' },
      { ...rule, selector: { matchLabels: { app: 'db' }, matchExpressions: [] } },
      { ...rule, minDomains: 3, nodeAffinityPolicy: 'Ignore', nodeTaintsPolicy: 'Honor' },
    ];
    assert.deepEqual(findPodFacts(aSpec({ spread })).spread, [
      { topologyKey: ZONE, maxSkew: 1, minDomains: 1, honorsNodeAffinity: true, honorsTaints: false },
      { topologyKey: ZONE, maxSkew: 1, minDomains: 3, honorsNodeAffinity: false, honorsTaints: true },
    ]);
  });
});

function aRange(of: Partial<LimitRangeFacts>): LimitRangeFacts {
  return { name: 'lr', type: 'Container', default: {}, defaultRequest: {}, min: {}, max: {}, ...of };
}

function withCpu(request: string, limit?: string): PodSpecFacts {
  const limits = limit === undefined ? {} : { cpu: limit };
  return aSpec({ containers: [aContainer({ requests: { cpu: request }, limits })] });
}

describe('playing a LimitRange through', () => {
  it('fills in what is left out, and only that', () => {
    const range = aRange({ default: { cpu: '2', memory: '2Gi' }, defaultRequest: { cpu: '1', memory: '1Gi' } });
    const facts = findPodFacts(withCpu('300m'), [range]);
    assert.deepEqual(facts.requests, { cpu: '300m', memory: '1Gi' });
    assert.deepEqual(facts.limits, { cpu: '2', memory: '2Gi' });
    assert.deepEqual(facts.unstated, []);
  });

  const rows: readonly { name: string; range: Partial<LimitRangeFacts>; spec: PodSpecFacts; refusals: string[] }[] = [
    { name: 'allows the maximum itself', range: { max: { cpu: '2' } }, spec: withCpu('1', '2'), refusals: [] },
    { name: 'allows a request at the maximum', range: { max: { cpu: '2' } }, spec: withCpu('2', '2'), refusals: [] },
    { name: 'allows the minimum itself', range: { min: { cpu: '1' } }, spec: withCpu('1', '1'), refusals: [] },
    {
      name: 'allows more than the minimum without a limit',
      range: { min: { cpu: '1' } },
      spec: withCpu('2'),
      refusals: [],
    },
    {
      name: 'refuses more than the maximum',
      range: { max: { cpu: '2' } },
      spec: withCpu('1', '3'),
      refusals: ['LimitRange lr allows at most cpu 2, container app has cpu 3'],
    },
    {
      name: 'refuses a missing limit where there is a maximum',
      range: { max: { cpu: '2' } },
      spec: withCpu('1'),
      refusals: ['LimitRange lr allows at most cpu 2, container app has no cpu limit'],
    },
    {
      name: 'refuses less than the minimum',
      range: { min: { cpu: '500m' } },
      spec: withCpu('100m'),
      refusals: ['LimitRange lr wants at least cpu 500m, container app has cpu 100m'],
    },
    {
      name: 'refuses a missing request where there is a minimum',
      range: { min: { memory: '1Gi' } },
      spec: withCpu('1'),
      refusals: ['LimitRange lr wants at least memory 1Gi, container app has no memory request'],
    },
    {
      name: 'judges the pod as a whole',
      range: { type: 'Pod', max: { cpu: '2' } },
      spec: withCpu('1', '3'),
      refusals: ['LimitRange lr allows at most cpu 2, the pod has cpu 3'],
    },
    {
      name: 'passes over ranges for volumes',
      range: { type: 'PersistentVolumeClaim', max: { cpu: '0' } },
      spec: withCpu('1', '3'),
      refusals: [],
    },
  ];
  for (const { name, range, spec, refusals } of rows) {
    it(name, () => assert.deepEqual(findPodFacts(spec, [aRange(range)]).refusals, refusals));
  }

  it('makes the pod impossible when it refuses', () => {
    const pod = findPodFacts(withCpu('1', '3'), [aRange({ max: { cpu: '2' } })]);
    const { fits, impossible } = judge(1, { pod });
    assert.deepEqual({ fits, impossible }, { fits: 0, impossible: true });
  });
});

function aPlacedPod(of: Partial<PlacedPod>): PlacedPod {
  return { node: 'n1', phase: 'Running', own: false, resources: aSpec(), ...of };
}

describe('adding up what is taken', () => {
  const nodes = [aNode(), aNode({ name: 'n2' })];

  it('counts each live pod on its node, with its overhead, and knows our own', () => {
    const pods = [
      aPlacedPod({ own: true }),
      aPlacedPod({ resources: aSpec({ overhead: { cpu: '1' } }) }),
      aPlacedPod({ node: 'n2' }),
    ];
    const { nodes: found } = findClusterCapacity({ nodes, pods });
    assert.deepEqual(
      found.map(({ requested, podCount, ownPods }) => ({ requested, podCount, ownPods })),
      [
        { requested: { cpu: '3', memory: '2Gi' }, podCount: 2, ownPods: 1 },
        { requested: { cpu: '1', memory: '1Gi' }, podCount: 1, ownPods: 0 },
      ],
    );
  });

  it('leaves out pods that are over', () => {
    const { nodes: found } = findClusterCapacity({
      nodes,
      pods: [aPlacedPod({ phase: 'Succeeded' }), aPlacedPod({ phase: 'Failed' })],
    });
    assert.deepEqual(
      found.map(({ podCount }) => podCount),
      [0, 0],
    );
  });

  it('rounds as the scheduler does: cpu to milli-units, all else to whole units', () => {
    const resources = aSpec({ containers: [aContainer({ requests: { cpu: '100u', memory: '1500m' } })] });
    const { nodes: found } = findClusterCapacity({ nodes, pods: [aPlacedPod({ resources })] });
    assert.deepEqual(found[0]?.requested, { cpu: '1m', memory: '2' });
  });

  it('counts our pods without a node', () => {
    const pods = [aPlacedPod({ node: '', own: true, phase: 'Pending' }), aPlacedPod({ node: '', phase: 'Pending' })];
    assert.equal(findClusterCapacity({ nodes, pods }).unplacedPods, 1);
  });
});

describe('judging a pod against the quotas', () => {
  const rows: readonly {
    name: string;
    pod?: Partial<PodFacts>;
    quota: QuotaFacts;
    fits: number;
    impossible?: boolean;
    reason?: string;
  }[] = [
    {
      name: 'counts pods',
      quota: aQuota({ pods: '10' }, { pods: '7' }),
      fits: 3,
      reason: 'ResourceQuota q allows 3 of 9 more pods: pods 7 of 10 used, 1 a pod',
    },
    { name: 'counts count/pods', quota: aQuota({ 'count/pods': '10' }, { 'count/pods': '8' }), fits: 2 },
    { name: 'counts requests.cpu', quota: aQuota({ 'requests.cpu': '10' }, { 'requests.cpu': '5500m' }), fits: 4 },
    { name: 'takes cpu for requests.cpu', quota: aQuota({ cpu: '10' }, { cpu: '4' }), fits: 6 },
    {
      name: 'takes memory for requests.memory',
      quota: aQuota({ memory: '10Gi' }, { memory: '8Gi' }),
      fits: 2,
      reason: 'ResourceQuota q allows 2 of 9 more pods: memory 8Gi of 10Gi used, 1Gi a pod',
    },
    {
      name: 'counts limits',
      pod: { limits: { cpu: '2' } },
      quota: aQuota({ 'limits.cpu': '10' }, { 'limits.cpu': '5' }),
      fits: 2,
    },
    {
      name: 'counts devices',
      pod: { requests: { 'nvidia.com/gpu': '2' } },
      quota: aQuota({ 'requests.nvidia.com/gpu': '8' }, { 'requests.nvidia.com/gpu': '3' }),
      fits: 2,
    },
    {
      name: 'counts hugepages by their own name',
      pod: { requests: { 'hugepages-2Mi': '4Mi' } },
      quota: aQuota({ 'hugepages-2Mi': '16Mi' }, { 'hugepages-2Mi': '8Mi' }),
      fits: 2,
    },
    {
      name: 'adds up exactly: tenths of a core are tenths',
      pod: { requests: { cpu: '0.1' } },
      quota: aQuota({ cpu: '0.3' }, { cpu: '0' }),
      fits: 3,
    },
    {
      name: 'passes over what is not about pods',
      quota: aQuota({ 'count/deployments.apps': '1', services: '0' }, { 'count/deployments.apps': '1', services: '0' }),
      fits: 9,
    },
    {
      name: 'passes over a resource that the pod does not use',
      quota: aQuota({ 'requests.nvidia.com/gpu': '0' }, { 'requests.nvidia.com/gpu': '0' }),
      fits: 9,
    },
    {
      name: 'allows the one that takes all of it',
      quota: aQuota({ cpu: '1' }, { cpu: '0' }),
      fits: 1,
    },
    {
      name: 'allows a pod that takes none of what is used up',
      pod: { requests: { cpu: '0' } },
      quota: aQuota({ cpu: '1' }, { cpu: '1' }),
      fits: 9,
    },
    {
      name: 'counts ephemeral storage',
      pod: { requests: { 'ephemeral-storage': '1Gi' } },
      quota: aQuota({ 'ephemeral-storage': '2Gi' }, { 'ephemeral-storage': '0' }),
      fits: 2,
    },
    { name: 'allows none once the quota is overdrawn', quota: aQuota({ pods: '3' }, { pods: '5' }), fits: 0 },
    {
      name: 'allows none while the quota has not been counted',
      quota: aQuota({ pods: '30' }, {}),
      fits: 0,
      reason: 'ResourceQuota q has not counted pods yet, and refuses pods until it has',
    },
    {
      name: 'calls a pod larger than the whole quota impossible',
      quota: aQuota({ cpu: '500m' }, { cpu: '0' }),
      fits: 0,
      impossible: true,
      reason: 'ResourceQuota q can never allow such a pod: cpu 1 of 500m in all',
    },
    {
      name: 'calls a pod that does not state what is counted impossible',
      pod: { unstated: ['limits.cpu'] },
      quota: aQuota({ 'limits.cpu': '10' }, { 'limits.cpu': '0' }),
      fits: 0,
      impossible: true,
      reason: 'ResourceQuota q refuses pods with a container that does not state limits.cpu',
    },
    { name: 'makes no room of a text that is no quantity', quota: aQuota({ pods: '10' }, { pods: 'many' }), fits: 0 },
  ];
  for (const { name, pod = {}, quota, fits, impossible = false, reason } of rows) {
    it(name, () => {
      const nodes = [
        aNode({
          allocatable: {
            cpu: '1k',
            memory: '4Ti',
            pods: '1k',
            'nvidia.com/gpu': '99',
            'ephemeral-storage': '1Ti',
            'hugepages-2Mi': '1Gi',
          },
        }),
      ];
      const verdict = judge(9, { pod: aPod(pod), quotas: [quota], nodes });
      assert.deepEqual({ fits: verdict.fits, impossible: verdict.impossible }, { fits, impossible });
      if (reason !== undefined) assert.deepEqual(verdict.reasons, [reason]);
    });
  }

  const scopes: readonly {
    scope: string;
    operator?: string;
    values?: string[];
    pod: Partial<PodFacts>;
    concerns: boolean;
  }[] = [
    { scope: 'Terminating', pod: { deadline: true }, concerns: true },
    { scope: 'Terminating', pod: {}, concerns: false },
    { scope: 'NotTerminating', pod: {}, concerns: true },
    { scope: 'NotTerminating', pod: { deadline: true }, concerns: false },
    { scope: 'BestEffort', pod: {}, concerns: false },
    { scope: 'BestEffort', pod: { bestEffort: true }, concerns: true },
    { scope: 'NotBestEffort', pod: {}, concerns: true },
    { scope: 'NotBestEffort', pod: { bestEffort: true }, concerns: false },
    { scope: 'CrossNamespacePodAffinity', pod: {}, concerns: false },
    { scope: 'CrossNamespacePodAffinity', pod: { crossNamespaceAffinity: true }, concerns: true },
    { scope: 'PriorityClass', operator: 'In', values: ['high'], pod: { priorityClass: 'high' }, concerns: true },
    { scope: 'PriorityClass', operator: 'In', values: ['high'], pod: { priorityClass: 'low' }, concerns: false },
    { scope: 'PriorityClass', operator: 'NotIn', values: ['high'], pod: {}, concerns: true },
    { scope: 'PriorityClass', operator: 'Exists', pod: {}, concerns: false },
    { scope: 'PriorityClass', operator: 'DoesNotExist', pod: {}, concerns: true },
    { scope: 'SomethingNew', pod: {}, concerns: true },
  ];
  for (const { scope, operator = 'Exists', values = [], pod, concerns } of scopes) {
    it(`${concerns ? 'obeys' : 'passes over'} a quota for ${scope} ${operator} ${values.join()} with ${JSON.stringify(pod)}`, () => {
      const quota = aQuota({ pods: '0' }, { pods: '0' }, { scopes: [{ scope, operator, values }] });
      assert.equal(fitting(1, { pod: aPod(pod), quotas: [quota] }), concerns ? 0 : 1);
    });
  }

  it('obeys a quota only when all of its scopes match', () => {
    const both = ['NotTerminating', 'BestEffort'].map((scope) => ({ scope, operator: 'Exists', values: [] }));
    assert.equal(fitting(1, { quotas: [aQuota({ pods: '0' }, { pods: '0' }, { scopes: both })] }), 1);
  });

  it('is impossible when any one of the reasons is', () => {
    const quotas = [aQuota({ pods: '1', cpu: '500m' }, { pods: '0', cpu: '0' })];
    assert.equal(judge(9, { quotas }).impossible, true);
  });

  it('names every quota that is in the way', () => {
    const quotas = [
      aQuota({ pods: '5', cpu: '2' }, { pods: '0', cpu: '0' }),
      aQuota({ memory: '3Gi' }, { memory: '0' }, { name: 'r' }),
    ];
    const { fits, reasons } = judge(9, { quotas });
    assert.equal(fits, 2);
    assert.equal(reasons.length, 3);
  });
});

function expressions(operator: string, ...values: string[]) {
  return [{ key: ZONE, operator, values }];
}
function inZone(operator: string, ...values: string[]) {
  return [{ matchExpressions: expressions(operator, ...values), matchFields: [] }];
}

describe('judging a pod against the nodes', () => {
  const gpuTaint = { key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' };
  const rows: readonly { name: string; pod?: Partial<PodFacts>; nodes: readonly NodeCapacity[]; fits: number }[] = [
    { name: 'fills a node', nodes: [aNode()], fits: 4 },
    {
      name: 'never sums what is free on several nodes',
      nodes: [1, 2, 3].map((n) => aNode({ name: `n${n}`, requested: { cpu: '3500m' } })),
      fits: 0,
    },
    { name: 'counts what is taken', nodes: [aNode({ requested: { cpu: '1500m' } })], fits: 2 },
    { name: 'is bound by the scarcest resource', nodes: [aNode({ requested: { memory: '14Gi' } })], fits: 2 },
    { name: 'is bound by the number of pods', nodes: [aNode({ podCount: 107 })], fits: 3 },
    {
      name: 'needs the number of pods to be known',
      nodes: [aNode({ allocatable: { cpu: '4', memory: '16Gi' } })],
      fits: 0,
    },
    { name: 'passes over cordoned nodes', nodes: [aNode({ schedulable: false })], fits: 0 },
    { name: 'passes over nodes that are not ready', nodes: [aNode({ ready: false })], fits: 0 },
    { name: 'passes over a NoSchedule taint', nodes: [aNode({ taints: [gpuTaint] })], fits: 0 },
    {
      name: 'passes over a NoExecute taint',
      nodes: [aNode({ taints: [{ ...gpuTaint, effect: 'NoExecute' }] })],
      fits: 0,
    },
    {
      name: 'does not mind a PreferNoSchedule taint',
      nodes: [aNode({ taints: [{ ...gpuTaint, effect: 'PreferNoSchedule' }] })],
      fits: 4,
    },
    {
      name: 'tolerates by value',
      pod: { tolerations: [{ ...gpuTaint, operator: 'Equal' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 4,
    },
    {
      name: 'does not tolerate another value',
      pod: { tolerations: [{ ...gpuTaint, operator: '', value: 'x' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 0,
    },
    {
      name: 'tolerates by existence, any effect',
      pod: { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', value: '', effect: '' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 4,
    },
    {
      name: 'does not tolerate another effect',
      pod: { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', value: '', effect: 'NoExecute' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 0,
    },
    {
      name: 'does not tolerate another key',
      pod: { tolerations: [{ key: 'other', operator: 'Exists', value: '', effect: '' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 0,
    },
    {
      name: 'tolerates everything',
      pod: { tolerations: [{ key: '', operator: 'Exists', value: '', effect: '' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 4,
    },
    {
      name: 'must tolerate every taint',
      pod: { tolerations: [{ ...gpuTaint, operator: 'Equal' }] },
      nodes: [aNode({ taints: [gpuTaint, { ...gpuTaint, key: 'other' }] })],
      fits: 0,
    },
    {
      name: 'follows the node selector',
      pod: { nodeSelector: { [ZONE]: 'b' } },
      nodes: [aNode(), aNode({ name: 'n2', labels: { [ZONE]: 'b' }, requested: { cpu: '1' } })],
      fits: 3,
    },
    { name: 'follows affinity In', pod: { nodeTerms: inZone('In', 'b', 'c') }, nodes: [aNode()], fits: 0 },
    { name: 'follows affinity NotIn', pod: { nodeTerms: inZone('NotIn', 'b', 'c') }, nodes: [aNode()], fits: 4 },
    { name: 'follows affinity DoesNotExist', pod: { nodeTerms: inZone('DoesNotExist') }, nodes: [aNode()], fits: 0 },
    {
      name: 'takes any one of the affinity terms',
      pod: { nodeTerms: [...inZone('In', 'b'), ...inZone('Exists')] },
      nodes: [aNode()],
      fits: 4,
    },
    {
      name: 'needs all of a term',
      pod: {
        nodeTerms: [
          {
            matchExpressions: expressions('Exists'),
            matchFields: [{ key: 'metadata.name', operator: 'In', values: ['other'] }],
          },
        ],
      },
      nodes: [aNode()],
      fits: 0,
    },
    {
      name: 'takes an empty term for no node',
      pod: { nodeTerms: [{ matchExpressions: [], matchFields: [] }] },
      nodes: [aNode()],
      fits: 0,
    },
    {
      name: 'compares with Gt',
      pod: { nodeTerms: [{ matchExpressions: [{ key: 'gen', operator: 'Gt', values: ['4'] }], matchFields: [] }] },
      nodes: [aNode({ labels: { gen: '10' } })],
      fits: 4,
    },
    {
      name: 'compares with Lt',
      pod: { nodeTerms: [{ matchExpressions: [{ key: 'gen', operator: 'Lt', values: ['4'] }], matchFields: [] }] },
      nodes: [aNode({ labels: { gen: '10' } })],
      fits: 0,
    },
    {
      name: 'does not compare what is no number',
      pod: { nodeTerms: [{ matchExpressions: [{ key: 'gen', operator: 'Gt', values: ['4'] }], matchFields: [] }] },
      nodes: [aNode({ labels: { gen: 'x' } })],
      fits: 0,
    },
    {
      name: 'gives devices whole',
      pod: { requests: { 'nvidia.com/gpu': '3' } },
      nodes: [aNode({ allocatable: { 'nvidia.com/gpu': '8', pods: '9' } })],
      fits: 2,
    },
    {
      name: 'minds ephemeral storage',
      pod: { requests: { 'ephemeral-storage': '10Gi' } },
      nodes: [aNode({ allocatable: { 'ephemeral-storage': '25Gi', pods: '9' } })],
      fits: 2,
    },
    {
      name: 'does not mind an overdrawn resource that the pod does not ask for',
      pod: { requests: { memory: '8Gi' } },
      nodes: [aNode({ requested: { cpu: '5' } })],
      fits: 2,
    },
    {
      name: 'does not mind it either when the pod asks for none of it by name',
      pod: { requests: { cpu: '0', memory: '8Gi' } },
      nodes: [aNode({ requested: { cpu: '5' } })],
      fits: 2,
    },
    {
      name: 'needs every expression of a term',
      pod: {
        nodeTerms: [{ matchExpressions: [...expressions('Exists'), ...expressions('In', 'b')], matchFields: [] }],
      },
      nodes: [aNode()],
      fits: 0,
    },
    {
      name: 'takes a term with fields alone',
      pod: {
        nodeTerms: [{ matchExpressions: [], matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
      },
      nodes: [aNode(), aNode({ name: 'n2' })],
      fits: 4,
    },
    {
      name: 'matches nothing by an operator that is not known',
      pod: { nodeTerms: inZone('Near', 'a') },
      nodes: [aNode()],
      fits: 0,
    },
    { name: 'takes nothing from an overdrawn node', nodes: [aNode({ requested: { cpu: '5' } })], fits: 0 },
    {
      name: 'makes no room of a text that is no quantity',
      nodes: [
        aNode({ requested: { cpu: '?' } }),
        aNode({ name: 'n2', allocatable: { cpu: '?', memory: '1Ti', pods: '9' } }),
      ],
      fits: 0,
    },
    {
      name: 'puts one on each node when they keep apart by host',
      pod: { apart: [HOSTNAME] },
      nodes: [aNode(), aNode({ name: 'n2' }), aNode({ name: 'n3', ownPods: 1 })],
      fits: 2,
    },
    {
      name: 'puts one in each zone when they keep apart by zone',
      pod: { apart: [ZONE] },
      nodes: [aNode(), aNode({ name: 'n2' }), aNode({ name: 'n3', labels: { [ZONE]: 'b' } })],
      fits: 2,
    },
  ];
  for (const { name, pod = {}, nodes, fits } of rows) {
    it(name, () => assert.equal(fitting(9, { pod: aPod(pod), nodes }), fits));
  }

  for (const [operator, value, fits] of [
    ['Gt', '4', 0],
    ['Gt', '5', 4],
    ['Lt', '4', 0],
    ['Lt', '3', 4],
  ] as const) {
    it(`takes ${fits === 0 ? 'no' : 'a'} node labelled ${value} for ${operator} 4`, () => {
      const nodeTerms = [{ matchExpressions: [{ key: 'gen', operator, values: ['4'] }], matchFields: [] }];
      assert.equal(fitting(9, { pod: aPod({ nodeTerms }), nodes: [aNode({ labels: { gen: value } })] }), fits);
    });
  }

  const spread: SpreadRule = {
    topologyKey: ZONE,
    maxSkew: 1,
    minDomains: 1,
    honorsNodeAffinity: true,
    honorsTaints: false,
  };
  const zone = (name: string, of: Partial<NodeCapacity> = {}) => aNode({ name, labels: { [ZONE]: name }, ...of });
  const spreads: readonly {
    name: string;
    pod?: Partial<PodFacts>;
    rule?: Partial<SpreadRule>;
    nodes: readonly NodeCapacity[];
    fits: number;
  }[] = [
    { name: 'fills zones evenly', nodes: [zone('a'), zone('b')], fits: 8 },
    { name: 'stops one above the fullest zone', nodes: [zone('a'), zone('b', { requested: { cpu: '3' } })], fits: 3 },
    {
      name: 'stops further on with a larger skew',
      rule: { maxSkew: 3 },
      nodes: [zone('a'), zone('b', { requested: { cpu: '3' } })],
      fits: 5,
    },
    {
      name: 'starts from the pods that are there',
      nodes: [zone('a', { ownPods: 2 }), zone('b', { requested: { cpu: '2' } })],
      fits: 3,
    },
    { name: 'counts a zone whose nodes are cordoned', nodes: [zone('a'), zone('b', { schedulable: false })], fits: 1 },
    { name: 'counts a tainted zone, by default', nodes: [zone('a'), zone('b', { taints: [gpuTaint] })], fits: 1 },
    {
      name: 'leaves a tainted zone out where taints are honoured',
      rule: { honorsTaints: true },
      nodes: [zone('a'), zone('b', { taints: [gpuTaint] })],
      fits: 4,
    },
    {
      name: 'leaves a zone outside the node selector out',
      pod: { nodeSelector: { pool: 'x' } },
      nodes: [zone('a', { labels: { [ZONE]: 'a', pool: 'x' } }), zone('b')],
      fits: 4,
    },
    {
      name: 'counts it where affinity is ignored',
      pod: { nodeSelector: { pool: 'x' } },
      rule: { honorsNodeAffinity: false },
      nodes: [zone('a', { labels: { [ZONE]: 'a', pool: 'x' } }), zone('b')],
      fits: 1,
    },
    { name: 'uses no node without the zone label', nodes: [zone('a'), aNode({ name: 'x', labels: {} })], fits: 4 },
    { name: 'takes too few zones for an empty one', rule: { minDomains: 3 }, nodes: [zone('a'), zone('b')], fits: 2 },
    {
      name: 'keeps apart by host and spreads by zone at once',
      pod: { apart: [HOSTNAME] },
      nodes: [zone('a'), zone('b'), aNode({ name: 'a2' }), aNode({ name: 'a3' })],
      fits: 3,
    },
  ];
  for (const { name, pod = {}, rule = {}, nodes, fits } of spreads) {
    it(`${name} (topology spread)`, () => {
      assert.equal(fitting(9, { pod: aPod({ ...pod, spread: [{ ...spread, ...rule }] }), nodes }), fits);
    });
  }

  it('counts for a spread only nodes that have the labels of all spreads', () => {
    const rack = { ...spread, topologyKey: 'rack' };
    const racked = (name: string) => zone(name, { labels: { [ZONE]: name, rack: name } });
    const nodes = [racked('a'), racked('b'), zone('c')];
    assert.equal(fitting(9, { pod: aPod({ spread: [spread, rack] }), nodes }), 8);
  });

  it('lets our pods that wait for a node take room first', () => {
    const { fits, reasons } = judge(4, { nodes: [aNode()], unplacedPods: 3 });
    assert.equal(fits, 1);
    assert.ok(reasons[0]?.includes('besides 3 that wait for a node already'));
    assert.equal(fitting(4, { nodes: [aNode()], unplacedPods: 9 }), 0);
    assert.equal(fitting(1, { nodes: [aNode()], unplacedPods: 3 }), 1);
  });

  it('says how many fit, how many need room, that it is an estimate, and what is wrong with the nodes', () => {
    const nodes = [
      aNode(),
      aNode({ name: 'n2', schedulable: false }),
      aNode({ name: 'n3', ready: false }),
      aNode({ name: 'n4', taints: [gpuTaint] }),
      aNode({ name: 'n5', labels: {} }),
      aNode({ name: 'n6', requested: { memory: '15.5Gi' } }),
    ];
    assert.deepEqual(judge(6, { pod: aPod({ nodeSelector: { [ZONE]: 'a' } }), nodes }), {
      kind: 'short',
      fits: 4,
      impossible: false,
      reasons: [
        'the nodes have room for 4 of 6 more pods (an estimate): room for 2 more is needed; of 6 nodes: 1 cordoned, 1 not ready, 1 outside the node selector or affinity, 1 tainted nvidia.com/gpu:NoSchedule, 1 without room for cpu, 1 without room for memory',
      ],
    });
    assert.ok(
      judge(6, { pod: aPod({ apart: [HOSTNAME] }), nodes: [aNode()] }).reasons[0]?.includes(
        '1 barred by anti-affinity',
      ),
    );
    assert.ok(judge(6, { nodes: [] }).reasons[0]?.includes('there is no node'));
  });

  it('says that a pod can never fit when no node could hold it even when empty', () => {
    const pod = aPod({ requests: { cpu: '64', memory: '1Gi' } });
    const nodes = [aNode(), aNode({ name: 'n2', allocatable: { cpu: '48', memory: '1Ti', pods: '9' } })];
    assert.deepEqual(judge(2, { pod, nodes }), {
      kind: 'short',
      fits: 0,
      impossible: true,
      reasons: [
        'no node can ever hold such a pod, even when empty (an estimate): it asks for cpu 64, the largest node that matches has 48',
      ],
    });
  });

  it('does not call it impossible when the node that could hold it is full, cordoned, unready, or not there yet', () => {
    const pod = aPod({ requests: { cpu: '8' } });
    const large = { name: 'n2', allocatable: { cpu: '16', memory: '1Ti', pods: '9' } };
    const cordoned = {
      schedulable: false,
      taints: [{ key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' }],
    };
    for (const state of [{ requested: { cpu: '16' } }, cordoned, { ready: false }]) {
      const { fits, impossible } = judge(1, { pod, nodes: [aNode(), aNode({ ...large, ...state })] });
      assert.deepEqual({ fits, impossible }, { fits: 0, impossible: false });
    }
    assert.equal(judge(1, { pod, nodes: [] }).impossible, false);
    assert.equal(judge(1, { pod, nodes: [aNode(), aNode({ ...large, taints: [gpuTaint] })] }).impossible, true);
  });

  it('says it plainly when each node lacks something else', () => {
    const pod = aPod({ requests: { cpu: '8', memory: '32Gi' } });
    const nodes = [
      aNode({ allocatable: { cpu: '4', memory: '1Ti', pods: '9' } }),
      aNode({ name: 'n2', allocatable: { cpu: '64', memory: '1Gi', pods: '9' } }),
    ];
    assert.deepEqual(judge(1, { pod, nodes }).reasons, [
      'no node can ever hold such a pod, even when empty (an estimate): each node that matches has too little of something it asks for',
    ]);
  });

  it('has nothing to say when no pod is to be added', () => {
    assert.deepEqual(judge(0, { nodes: [], quotas: [aQuota({ pods: '0' }, { pods: '5' })] }).reasons, []);
  });
});

const milli = fc.integer({ min: 0, max: 6_000 });
const anyNode = fc
  .record({
    zone: fc.constantFrom('a', 'b', 'c'),
    cpu: milli,
    memory: milli,
    pods: fc.nat(8),
    usedCpu: milli,
    usedMemory: milli,
    podCount: fc.nat(8),
    ownPods: fc.nat(2),
    schedulable: fc.boolean(),
    ready: fc.boolean(),
    tainted: fc.boolean(),
  })
  .map(({ zone, cpu, memory, pods, usedCpu, usedMemory, podCount, ownPods, schedulable, ready, tainted }) =>
    aNode({
      labels: { [ZONE]: zone },
      allocatable: { cpu: `${cpu}m`, memory: `${memory}Mi`, pods: String(pods) },
      requested: { cpu: `${Math.floor(usedCpu / 3)}m`, memory: `${Math.floor(usedMemory / 3)}Mi` },
      podCount: Math.floor(podCount / 2),
      ownPods: Math.min(ownPods, Math.floor(podCount / 2)),
      schedulable: schedulable || cpu > 2_000,
      ready: ready || cpu > 2_000,
      taints: tainted && cpu < 3_000 ? [{ key: 'x', value: '', effect: 'NoSchedule' }] : [],
    }),
  );
const anyNodes = fc
  .array(anyNode, { maxLength: 6 })
  .map((nodes) => nodes.map((node, index) => ({ ...node, name: `n${index}` })));
const anyPod = fc
  .record({
    cpu: fc.integer({ min: 1, max: 2_000 }),
    memory: fc.integer({ min: 1, max: 2_000 }),
    apart: fc.constantFrom([], [HOSTNAME], [ZONE]),
  })
  .map(({ cpu, memory, apart }) => aPod({ requests: { cpu: `${cpu}m`, memory: `${memory}Mi` }, apart }));
const spreads = fc.constantFrom<readonly SpreadRule[]>(
  [],
  [{ topologyKey: ZONE, maxSkew: 1, minDomains: 1, honorsNodeAffinity: true, honorsTaints: false }],
  [{ topologyKey: ZONE, maxSkew: 2, minDomains: 2, honorsNodeAffinity: true, honorsTaints: true }],
);

function number(text = '0'): number {
  return Number.parseInt(text, 10);
}

/** A scheduler of its own, in plain numbers, that takes the first node it may: what it places is what can be placed. */
function placeNaively(nodes: readonly NodeCapacity[], pod: PodFacts, wanted: number): number {
  const placedOn = nodes.map(() => 0);
  const countIn = (key: string, node: NodeCapacity, of: (n: NodeCapacity, index: number) => boolean) =>
    nodes.reduce((sum, other, index) => {
      const same = key === HOSTNAME ? other.name === node.name : other.labels[key] === node.labels[key];
      return same && of(other, index) ? sum + other.ownPods + (placedOn[index] ?? 0) : sum;
    }, 0);
  for (let placed = 0; placed < wanted; placed += 1) {
    const index = nodes.findIndex((node, at) => {
      const count = placedOn[at] ?? 0;
      const hasRoom = (['cpu', 'memory'] as const).every(
        (resource) =>
          number(node.requested[resource]) + (count + 1) * number(pod.requests[resource]) <=
          number(node.allocatable[resource]),
      );
      const isOpen = node.schedulable && node.ready && node.taints.length === 0;
      const isApart = pod.apart.every((key) => countIn(key, node, () => true) === 0);
      const isSpread = pod.spread.every(({ topologyKey, maxSkew, minDomains, honorsTaints }) => {
        const counted = (other: NodeCapacity) => !honorsTaints || other.taints.length === 0;
        const counts = nodes.filter(counted).map((other) => countIn(topologyKey, other, counted));
        const domains = new Set(nodes.filter(counted).map(({ labels }) => labels[topologyKey]));
        const fewest = domains.size < minDomains ? 0 : Math.min(...counts);
        return countIn(topologyKey, node, counted) + 1 - fewest <= maxSkew;
      });
      return isOpen && hasRoom && node.podCount + count < number(node.allocatable['pods']) && isApart && isSpread;
    });
    if (index === -1) return placed;
    placedOn[index] = (placedOn[index] ?? 0) + 1;
  }
  return wanted;
}

describe('the number that fits, whatever the cluster', () => {
  it('really packs, and is not less than a scheduler places', () => {
    let some = 0;
    fc.assert(
      fc.property(anyNodes, anyPod, spreads, fc.integer({ min: 1, max: 20 }), (nodes, pod, spread, wanted) => {
        const fits = fitting(wanted, { pod: { ...pod, spread }, nodes });
        some += fits > 0 ? 1 : 0;
        assert.equal(fits, placeNaively(nodes, { ...pod, spread }, wanted));
      }),
      { numRuns: 500 },
    );
    assert.ok(some > 100);
  });

  it('does not go down when a node is added, nor up when another pod runs', () => {
    fc.assert(
      fc.property(anyNodes, anyPod, anyNode, fc.nat(5), milli, (nodes, pod, extra, at, cpu) => {
        const before = fitting(20, { pod, nodes });
        assert.ok(fitting(20, { pod, nodes: [...nodes, { ...extra, name: 'extra', ownPods: 0 }] }) >= before);
        const busier = nodes.map((node, index) =>
          index === at
            ? {
                ...node,
                podCount: node.podCount + 1,
                requested: { ...node.requested, cpu: `${Number.parseInt(node.requested['cpu'] ?? '0', 10) + cpu}m` },
              }
            : node,
        );
        assert.ok(fitting(20, { pod, nodes: busier }) <= before);
      }),
    );
  });

  it('does not go down with a spread when a node is added in a zone that is there, nor up when another pod runs', () => {
    fc.assert(
      fc.property(anyNodes, anyPod, spreads, anyNode, fc.nat(5), (nodes, anyPod, spread, extra, at) => {
        const pod = { ...anyPod, apart: [], spread };
        const before = fitting(20, { pod, nodes });
        const zones = nodes.filter(({ taints }) => taints.length === 0).map(({ labels }) => labels[ZONE]);
        if (zones.includes(extra.labels[ZONE])) {
          assert.ok(fitting(20, { pod, nodes: [...nodes, { ...extra, name: 'extra', ownPods: 0 }] }) >= before);
        }
        const busier = nodes.map((node, index) => (index === at ? { ...node, podCount: node.podCount + 1 } : node));
        assert.ok(fitting(20, { pod, nodes: busier }) <= before);
      }),
    );
  });

  it('does not go up with larger pods, more pods waiting, or a fuller quota', () => {
    fc.assert(
      fc.property(
        anyNodes,
        milli,
        fc.integer({ min: 1, max: 2_000 }),
        fc.nat(9),
        fc.nat(9),
        (nodes, more, cpu, waiting, used) => {
          const of = (cpu: number, unplacedPods: number, used: number) =>
            fitting(20, {
              nodes,
              unplacedPods,
              pod: aPod({ requests: { cpu: `${cpu}m` } }),
              quotas: [aQuota({ pods: '12' }, { pods: String(used) })],
            });
          const before = of(cpu, 0, 0);
          assert.ok(of(cpu + more, waiting, used) <= before);
          assert.ok(before <= 12);
        },
      ),
    );
  });

  it('is none where it is called impossible, and all where it fits', () => {
    fc.assert(
      fc.property(anyNodes, anyPod, fc.integer({ min: 1, max: 9 }), (nodes, pod, wanted) => {
        const verdict = judgePreflight({ podsToAdd: wanted, pod, quotas: [], cluster: { nodes, unplacedPods: 0 } });
        if (verdict.kind === 'fits') return;
        assert.ok(verdict.fits < wanted);
        assert.equal(verdict.reasons.length, 1);
        if (verdict.impossible) assert.equal(verdict.fits, 0);
      }),
    );
  });
});
