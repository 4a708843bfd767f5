import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Call } from '../../../activities/ports.ts';
import { createDrainFactsPort } from '../../../adapters/kubernetes/drain-facts.ts';
import { startStandIn, writeKubeconfig, type Reply, type StandInRequest } from '../stand-in.ts';

const call: Call = { signal: new AbortController().signal, caller: 'drain-gpu-node.n1/run-1' };
const STARTED = '2026-11-27T04:00:00Z';
const LATELY = new Date(Date.now() - 4 * 60_000).toISOString();
const LONG_AGO = new Date(Date.now() - 7 * 60_000).toISOString();
const OWNER = 'drain-gpu-node.n1/run-1';

/** As `kubectl get -o json` shows them. */
function node(name: string, gpus = '8', more: object = {}) {
  return {
    metadata: {
      name,
      uid: `uid-${name}`,
      creationTimestamp: STARTED,
      labels: { 'node.kubernetes.io/instance-type': 'p4d.24xlarge' },
      annotations: { 'headroom.dev/cordon': '{}', 'csi.volume.kubernetes.io/nodeid': 'long' },
    },
    spec: { providerID: `aws:///us-east-1a/i-0${name.slice(1)}`, ...more },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      allocatable: { cpu: '96', memory: '1Ti', pods: '110', 'nvidia.com/gpu': gpus },
    },
  };
}

interface PodWords {
  readonly owner?: readonly [kind: string, name: string, apiVersion?: string];
  readonly gpus?: number;
  readonly on?: string;
  readonly phase?: string;
  readonly namespace?: string;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly spec?: object;
  readonly metadata?: object;
  readonly status?: object;
}
function pod(
  name: string,
  {
    owner,
    gpus = 0,
    on = 'n1',
    phase = 'Running',
    namespace = 'shop',
    annotations,
    labels,
    spec,
    metadata,
    status,
  }: PodWords,
) {
  const resources = { requests: { cpu: '1', ...(gpus > 0 && { 'nvidia.com/gpu': String(gpus) }) } };
  return {
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      creationTimestamp: STARTED,
      ...(annotations && { annotations }),
      ...(labels && { labels }),
      ...(owner && { ownerReferences: [reference(...owner)] }),
      ...metadata,
    },
    spec: { nodeName: on, containers: [{ name: 'main', resources }], ...spec },
    status: { phase, startTime: STARTED, conditions: [{ type: 'Ready', status: 'True' }], ...status },
  };
}
function reference(kind: string, name: string, apiVersion = kind === 'Job' ? 'batch/v1' : 'apps/v1') {
  return { apiVersion, kind, name, uid: `uid-${name}`, controller: true };
}
function owned(name: string, more: object = {}, ...owner: readonly [] | readonly [string, string, string?]) {
  const [kind, above, apiVersion] = owner;
  return {
    metadata: {
      name,
      uid: `uid-${name}`,
      ...(kind !== undefined && above !== undefined && { ownerReferences: [reference(kind, above, apiVersion)] }),
    },
    ...more,
  };
}

/** An API server that has these lists, by the end of the path; all others are empty. */
async function open(t: TestContext, lists: Readonly<Record<string, readonly object[]>>, patch?: () => Reply) {
  const standIn = await startStandIn(({ method, path, query }: StandInRequest) => {
    if (method === 'PATCH') return patch?.() ?? { status: 200, body: {} };
    const items = lists[path.split('/').at(-1) ?? ''] ?? [];
    const namespace = /namespaces\/([^/]+)/.exec(path)?.[1];
    const there = items.filter((one) => namespace === undefined || namespaceOf(one) === (namespace ?? 'shop'));
    // two pages, so that whoever reads only the first is seen
    if (query.get('continue') === null && there.length > 1)
      return { status: 200, body: { items: there.slice(0, 1), metadata: { continue: 'more' } } };
    return { status: 200, body: { items: query.get('continue') === null ? there : there.slice(1) } };
  });
  const kubeconfig = writeKubeconfig(standIn.url);
  t.after(async () => {
    await standIn.close();
    kubeconfig.remove();
  });
  return { port: createDrainFactsPort({ kubeconfigPath: kubeconfig.path }), requests: standIn.requests };
}
function namespaceOf(one: object): string {
  const { metadata } = one as { readonly metadata: { readonly namespace?: string } };
  return metadata.namespace ?? 'shop';
}

const WEB = {
  pods: [
    pod('web-1', { owner: ['ReplicaSet', 'web-5d'], gpus: 4, labels: { app: 'web' } }),
    pod('web-2', { owner: ['ReplicaSet', 'web-5d'], gpus: 4, on: 'n2', labels: { app: 'web' } }),
  ],
  replicasets: [
    {
      metadata: {
        name: 'web-5d',
        uid: 'uid-web-5d',
        annotations: { 'deployment.kubernetes.io/desired-replicas': '2' },
        ownerReferences: [reference('Deployment', 'web')],
      },
      spec: { replicas: 1 },
    },
  ],
  nodes: [node('n1'), node('n2')],
};

describe('reading what a drain is judged by', () => {
  it('follows a ReplicaSet to its Deployment, counts GPUs, and finds the replacement a place', async (t) => {
    const { port } = await open(t, WEB);
    const { pods, nodes, jobs } = await port.readDrain(['n1', 'n9'], call);
    assert.deepEqual(pods, [
      {
        namespace: 'shop',
        name: 'web-1',
        uid: 'uid-web-1',
        node: 'n1',
        phase: 'Running',
        ready: true,
        owner: { kind: 'Deployment', name: 'web', uid: 'uid-web' },
        ownerReplicas: 2,
        job: null,
        gpus: 4,
        startedAtMs: Date.parse(STARTED),
        localData: [],
        mirror: false,
        toleratesCordon: false,
        finalizers: [],
        deletingSinceMs: null,
        optOut: null,
        budgets: [],
        place: { found: true, reason: '' },
      },
    ]);
    assert.deepEqual(
      nodes.map(({ name, state }) => [name, state?.uid, state?.providerId, state?.annotations]),
      [
        ['n1', 'uid-n1', 'aws:///us-east-1a/i-01', { 'headroom.dev/cordon': '{}' }],
        ['n9', undefined, undefined, undefined],
      ],
    );
    assert.deepEqual(jobs, []);
  });

  it('needs few requests: three lists, and one for each kind of controller in each namespace', async (t) => {
    const { port, requests } = await open(t, { ...WEB, pods: WEB.pods.slice(0, 1), nodes: [node('n1')] });
    await port.readDrain(['n1'], call);
    assert.deepEqual(requests.map(({ path }) => path.replace(/^\/apis?\//, '')).toSorted(), [
      'apps/v1/namespaces/shop/replicasets',
      'policy/v1/poddisruptionbudgets',
      'v1/nodes',
      'v1/pods',
    ]);
  });

  it('needs no nodes and no budgets for what a status shows', async (t) => {
    const { port, requests } = await open(t, WEB);
    assert.deepEqual(
      (await port.readPods(['n2'], call)).map(({ name, node, ready, owner, gpus }) => [
        name,
        node,
        ready,
        owner?.name,
        gpus,
      ]),
      [['web-2', 'n2', true, 'web', 4]],
    );
    const kinds = new Set(requests.map(({ path }) => path.split('/').at(-1) ?? ''));
    assert.deepEqual([...kinds].toSorted(), ['pods', 'replicasets']);
  });

  it('does not give one free place to two pods', async (t) => {
    const pods = [1, 2].map((n) => pod(`w-${n}`, { owner: ['ReplicaSet', 'web-5d'], gpus: 8 }));
    const { port } = await open(t, { ...WEB, pods });
    const { pods: judged } = await port.readDrain(['n1'], call);
    assert.deepEqual(
      judged.map(({ place }) => place?.found),
      [true, false],
    );
    assert.match(judged[1]?.place?.reason ?? '', /1 cordoned, 1 without room for nvidia\.com\/gpu/);
  });

  const since = (lastTransitionTime: string, reason = 'Unschedulable') => {
    return { conditions: [{ type: 'PodScheduled', status: 'False', reason, lastTransitionTime }] };
  };
  const unschedulable = since(LATELY);
  const apart = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] } };
  const claim = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] };
  const rows: readonly (readonly [name: string, words: PodWords, isCounted: boolean])[] = [
    ['one that was made just now', { status: { conditions: [] } }, true],
    ['one for which there was no node a moment ago', { status: unschedulable }, true],
    ['one with a volume, not looked at yet', { spec: claim, status: { conditions: [] } }, true],
    [
      'one with a volume that the scheduler could not judge',
      { spec: claim, status: since(LONG_AGO, 'SchedulerError') },
      true,
    ],
    ['one that its volume may hold back', { spec: claim, status: unschedulable }, false],
    [
      'one that its own volume may hold back',
      { spec: { volumes: [{ name: 'data', ephemeral: {} }] }, status: unschedulable },
      false,
    ],
    ['one that a claim may hold back', { spec: { resourceClaims: [{ name: 'nic' }] }, status: unschedulable }, false],
    ['one that other pods may hold back', { spec: { affinity: apart }, status: unschedulable }, false],
    [
      'one with a volume for which the scheduler keeps room',
      { spec: claim, status: { ...unschedulable, nominatedNodeName: 'n2' } },
      true,
    ],
    ['one for which there has been no node for long', { status: since(LONG_AGO) }, false],
    ['one whose room is being cleared for long', { status: { ...since(LONG_AGO), nominatedNodeName: 'n2' } }, true],
    [
      'one that no scheduler has looked at for long',
      { metadata: { creationTimestamp: LONG_AGO }, spec: { schedulerName: 'nobody' }, status: { conditions: [] } },
      false,
    ],
    [
      'one made long ago, and let by its gate lately',
      { metadata: { creationTimestamp: LONG_AGO }, status: since(LONG_AGO, 'SchedulingGated') },
      true,
    ],
    ['one that lower priority lets wait', { spec: { priority: -5 } }, false],
    ['one behind a gate', { spec: { schedulingGates: [{ name: 'kueue.x-k8s.io/admission' }] } }, false],
    ['one that is being deleted', { metadata: { deletionTimestamp: STARTED } }, false],
    ['one that was over before it had a node', { phase: 'Failed' }, false],
    ['one of a gang that is too large', { labels: { 'scheduling.x-k8s.io/pod-group': 'g' } }, false],
    ['one of a gang of Volcano', { annotations: { 'scheduling.k8s.io/group-name': 'g' } }, false],
    ['one of a PodGroup', { spec: { schedulingGroup: { podGroupName: 'g' } } }, false],
    ['one that has its place elsewhere', { status: { nominatedNodeName: 'n3' } }, false],
    [
      'one that its own kind keeps off',
      {
        labels: { app: 'far' },
        spec: {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'far' } } },
              ],
            },
          },
        },
      },
      false,
    ],
  ];
  for (const [name, words, isCounted] of rows)
    it(`${isCounted ? 'counts' : 'does not count'} among pods that wait for a node first: ${name}`, async (t) => {
      const waiting = (uid: string) =>
        pod(uid, {
          owner: ['ReplicaSet', 'far'],
          gpus: 4,
          on: '',
          phase: 'Pending',
          namespace: 'ml',
          ...words,
          metadata: { creationTimestamp: LATELY, ...words.metadata },
        });
      const isGang = /gang|PodGroup/.test(name);
      const { port } = await open(t, {
        ...WEB,
        pods: [
          ...WEB.pods,
          pod('far-0', { owner: ['ReplicaSet', 'far'], on: 'n2', namespace: 'ml' }),
          pod('full', { on: 'n3', gpus: 8 }),
          waiting('w-1'),
          ...(isGang ? [waiting('w-2')] : []),
        ],
        nodes: [...WEB.nodes, node('n3')],
      });
      const [{ place } = assert.fail('no pod')] = (await port.readDrain(['n1'], call)).pods;
      assert.equal(place?.found, !isCounted);
      assert.equal(place?.reason.endsWith('; ml/w-1 waits for a node already and goes first'), isCounted);
    });

  it('does not preempt for a pod that may not', async (t) => {
    const [first, second] = WEB.pods;
    const shy = { ...first, spec: { ...first?.spec, priority: 5, preemptionPolicy: 'Never' } };
    const waiting = pod('w-1', { gpus: 4, on: '', phase: 'Pending', metadata: { creationTimestamp: LATELY } });
    for (const [web, found] of [
      [shy, false],
      [{ ...shy, spec: { ...shy.spec, preemptionPolicy: 'PreemptLowerPriority' } }, true],
    ] as const) {
      const { port } = await open(t, { ...WEB, pods: [web, second ?? {}, waiting] });
      assert.equal((await port.readDrain(['n1'], call)).pods[0]?.place?.found, found);
    }
  });

  it('knows a DaemonSet from one that is gone, a mirror pod, and a bare one; none of them needs a place', async (t) => {
    const pods = [
      pod('dcgm', { owner: ['DaemonSet', 'dcgm'], spec: { tolerations: [{ operator: 'Exists' }] } }),
      pod('orphan', { owner: ['DaemonSet', 'gone'] }),
      pod('proxy', { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
      pod('bare', {}),
    ];
    const { port } = await open(t, { pods, daemonsets: [owned('dcgm')], nodes: [node('n1')] });
    const judged = (await port.readDrain(['n1'], call)).pods;
    assert.deepEqual(
      judged.map(({ owner, mirror, toleratesCordon, place }) => [
        owner?.kind,
        owner?.gone,
        mirror,
        toleratesCordon,
        place,
      ]),
      [
        ['DaemonSet', undefined, false, true, null],
        ['DaemonSet', true, false, false, null],
        [undefined, undefined, true, false, null],
        [undefined, undefined, false, false, null],
      ],
    );
  });

  it('tells those of a DaemonSet that Karpenter drains: none that tolerates its taint, or is a blocker of its own', async (t) => {
    const tolerations = [{ key: 'karpenter.sh/disrupted', operator: 'Exists', effect: 'NoSchedule' }];
    const pods = [
      pod('a', { owner: ['DaemonSet', 'dcgm'] }),
      pod('b', { owner: ['DaemonSet', 'dcgm'], spec: { tolerations } }),
      pod('c', { owner: ['DaemonSet', 'gone'] }),
      pod('d', {}),
    ];
    const { port } = await open(t, { pods, daemonsets: [owned('dcgm')], nodes: [node('n1')] });
    const read = (await port.readDrain(['n1'], call)).pods;
    assert.deepEqual(
      read.map(({ karpenterDrains }) => karpenterDrains),
      [true, undefined, undefined, undefined],
    );
  });

  it('reads a gang whole: pods on other nodes and in the queue, since when, on how many GPUs', async (t) => {
    const train = (n: number, more: PodWords) => pod(`train-${n}`, { owner: ['Job', `train-j${n}`], gpus: 8, ...more });
    const job = (n: number, startTime: string) =>
      owned(`train-j${n}`, { status: { startTime } }, 'JobSet', 'train', 'jobset.x-k8s.io/v1alpha2');
    const { port } = await open(t, {
      pods: [
        train(1, {}),
        train(2, { on: 'n2', annotations: { 'karpenter.sh/do-not-disrupt': 'true' } }),
        train(3, { on: 'n2', phase: 'Succeeded' }),
        train(4, { on: '', phase: 'Pending' }),
        pod('cron-1', { owner: ['Job', 'cron-j'] }),
      ],
      jobs: [
        job(1, '2026-11-27T02:00:00Z'),
        job(2, '2026-11-27T01:00:00Z'),
        job(3, STARTED),
        job(4, STARTED),
        owned('cron-j', {}, 'CronJob', 'cron', 'batch/v1'),
      ],
      nodes: [node('n1'), node('n2')],
    });
    const { pods, jobs } = await port.readDrain(['n1'], call);
    assert.deepEqual(
      pods.map(({ name, job, owner }) => [name, job, owner?.kind]),
      [
        ['train-1', 'uid-train', 'JobSet'],
        ['cron-1', 'uid-cron-j', 'Job'],
      ],
    );
    const [gang] = jobs;
    assert.deepEqual(
      { ...gang, pods: gang?.pods.map(({ name, node }) => [name, node]) },
      {
        kind: 'JobSet',
        namespace: 'shop',
        name: 'train',
        uid: 'uid-train',
        startedAtMs: Date.parse('2026-11-27T01:00:00Z'),
        gpus: 24,
        pods: [
          ['train-1', 'n1'],
          ['train-2', 'n2'],
          ['train-4', ''],
        ],
        nodes: [
          { name: 'n1', instanceType: 'p4d.24xlarge' },
          { name: 'n2', instanceType: 'p4d.24xlarge' },
        ],
        optOut: 'karpenter.sh/do-not-disrupt: "true"',
      },
    );
    assert.deepEqual(jobs[1]?.name, 'cron-j');
  });

  it('takes launcher and workers of an MPIJob for one job', async (t) => {
    const mpi = ['MPIJob', 'bert', 'kubeflow.org/v2beta1'] as const;
    const { port } = await open(t, {
      pods: [
        pod('bert-launcher', { owner: ['Job', 'bert-launcher-j'], on: 'n2' }),
        pod('bert-worker-0', { owner: mpi, gpus: 8 }),
      ],
      jobs: [owned('bert-launcher-j', { status: { startTime: STARTED } }, ...mpi)],
      nodes: [node('n1'), node('n2')],
    });
    const { jobs } = await port.readDrain(['n1'], call);
    assert.deepEqual(
      jobs.map(({ kind, name, pods, gpus }) => [kind, name, pods.length, gpus]),
      [['MPIJob', 'bert', 2, 8]],
    );
  });

  it('takes a Volcano Job, of a group that is not read, for there', async (t) => {
    const pods = [pod('v-0', { owner: ['Job', 'v', 'batch.volcano.sh/v1alpha1'], gpus: 1 })];
    const { port } = await open(t, { pods, nodes: [node('n1')] });
    const read = await port.readDrain(['n1'], call);
    assert.deepEqual([read.pods[0]?.owner?.gone, read.jobs.length], [undefined, 1]);
  });

  const volumes = [
    { name: 'shm', emptyDir: { medium: 'Memory' } },
    { name: 'scratch', emptyDir: {} },
    { name: 'token', projected: {} },
  ];
  const pieces: readonly (readonly [name: string, words: PodWords, seen: object])[] = [
    ['emptyDir volumes', { spec: { volumes } }, { localData: ['shm', 'scratch'] }],
    [
      'emptyDir volumes that are given up',
      {
        spec: { volumes },
        annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': 'shm, other' },
      },
      { localData: ['scratch'] },
    ],
    [
      'an opt-out of ours',
      { annotations: { 'headroom.dev/do-not-drain': 'until friday' } },
      { optOut: 'headroom.dev/do-not-drain: "until friday"' },
    ],
    ['an opt-out that is off', { annotations: { 'headroom.dev/do-not-drain': 'false' } }, { optOut: null }],
    [
      'an opt-out of Cluster Autoscaler',
      { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' } },
      { optOut: 'cluster-autoscaler.kubernetes.io/safe-to-evict: "false"' },
    ],
    ['the contrary', { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' } }, { optOut: null }],
    [
      'a pod that is being deleted',
      { metadata: { deletionTimestamp: STARTED, finalizers: ['x/y'] } },
      { deletingSinceMs: Date.parse(STARTED), finalizers: ['x/y'] },
    ],
    [
      'a toleration of the cordon',
      {
        spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }] },
      },
      { toleratesCordon: true },
    ],
  ];
  for (const [name, words, seen] of pieces)
    it(`sees ${name}`, async (t) => {
      const { port } = await open(t, { pods: [pod('a', words)], nodes: [node('n1')] });
      const [read] = (await port.readDrain(['n1'], call)).pods;
      const keys = Object.keys(seen);
      assert.deepEqual(Object.fromEntries(Object.entries(read ?? {}).filter(([key]) => keys.includes(key))), seen);
    });

  it('finds the budgets that select a pod, and gives only these', async (t) => {
    const budget = (name: string, spec: object, namespace = 'shop') => ({
      metadata: { name, namespace, generation: 2 },
      spec,
      status: { observedGeneration: 2, disruptionsAllowed: 0, currentHealthy: 3, desiredHealthy: 3, expectedPods: 3 },
    });
    const web = { matchLabels: { app: 'web' } };
    const { port } = await open(t, {
      ...WEB,
      poddisruptionbudgets: [
        budget('by-label', { selector: web, minAvailable: 3 }),
        budget('all', { selector: {}, maxUnavailable: '10%', unhealthyPodEvictionPolicy: 'AlwaysAllow' }),
        budget('none', { minAvailable: 1 }),
        budget('other', { selector: web, minAvailable: 1 }, 'ml'),
      ],
    });
    const { pods, budgets } = await port.readDrain(['n1'], call);
    assert.deepEqual(pods[0]?.budgets, ['by-label', 'all']);
    const counts = { allowed: 0, currentHealthy: 3, desiredHealthy: 3, expectedPods: 3, stale: false };
    assert.deepEqual(budgets, [
      {
        namespace: 'shop',
        name: 'by-label',
        rule: 'minAvailable 3',
        countsPods: true,
        allowsUnhealthy: false,
        ...counts,
      },
      {
        namespace: 'shop',
        name: 'all',
        rule: 'maxUnavailable 10%',
        countsPods: false,
        allowsUnhealthy: true,
        ...counts,
      },
    ]);
  });

  it('fails typed when a list is refused', async (t) => {
    const standIn = await startStandIn(() => ({ status: 403, body: { message: 'no' } }));
    const kubeconfig = writeKubeconfig(standIn.url);
    t.after(async () => {
      await standIn.close();
      kubeconfig.remove();
    });
    const port = createDrainFactsPort({ kubeconfigPath: kubeconfig.path });
    await assert.rejects(port.readDrain(['n1'], call), { type: 'permissionDenied' });
  });
});

describe('the checkpoint handshake', () => {
  const TRAIN = { kind: 'Job', namespace: 'shop', name: 'j', uid: 'uid-j' };
  const marked = (owner: string) => ({ 'headroom.dev/checkpoint': 'done', 'headroom.dev/checkpoint-for': owner });
  const trainPods = (...pods: readonly PodWords[]) => ({
    pods: pods.map((words, i) => pod(`t-${i}`, { owner: ['Job', 'j'], ...words })),
    jobs: [owned('j')],
  });

  it('reads jobs as they are now, with the marks of their pods', async (t) => {
    const lists = trainPods({}, { annotations: marked(OWNER) }, { phase: 'Failed' });
    const { port, requests } = await open(t, lists);
    const other = { ...TRAIN, name: 'gone', uid: 'uid-gone' };
    const [job, gone] = await port.readJobs([TRAIN, other], call);
    assert.deepEqual(
      job?.pods.map(({ name, checkpoint }) => [name, checkpoint]),
      [
        ['t-0', null],
        ['t-1', { state: 'done', owner: OWNER }],
      ],
    );
    assert.deepEqual(gone, { ...other, pods: [] });
    assert.ok(requests.every(({ path }) => path.includes('/namespaces/shop/')));
  });

  const patches = (requests: readonly StandInRequest[]) =>
    requests
      .filter(({ method }) => method === 'PATCH')
      .map(({ path, body }) => [path.split('/').at(-1), JSON.parse(body) as unknown] as const)
      .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
  const refs = (...names: readonly string[]) => names.map((name) => ({ namespace: 'shop', name, uid: `uid-${name}` }));
  const key = '/metadata/annotations/headroom.dev~1checkpoint';

  it('asks in one guarded write a pod, and not those that bear this run’s mark or are over', async (t) => {
    const lists = trainPods(
      {},
      { annotations: marked('another') },
      { annotations: marked(OWNER) },
      { phase: 'Succeeded' },
    );
    const { port, requests } = await open(t, lists);
    const asked = await port.setCheckpoints(refs('t-0', 't-1', 't-2', 't-3'), { owner: OWNER, ask: true }, call);
    assert.deepEqual(asked, { pods: 3 });
    const wanted = { 'headroom.dev/checkpoint': 'requested', 'headroom.dev/checkpoint-for': OWNER };
    assert.deepEqual(patches(requests), [
      [
        't-0',
        [
          { op: 'test', path: '/metadata/uid', value: 'uid-t-0' },
          { op: 'test', path: '/metadata/annotations', value: null },
          { op: 'add', path: '/metadata/annotations', value: wanted },
        ],
      ],
      [
        't-1',
        [
          { op: 'test', path: '/metadata/uid', value: 'uid-t-1' },
          { op: 'test', path: key, value: 'done' },
          { op: 'test', path: `${key}-for`, value: 'another' },
          { op: 'replace', path: key, value: 'requested' },
          { op: 'replace', path: `${key}-for`, value: OWNER },
        ],
      ],
    ]);
  });

  it('takes back only what this run asked', async (t) => {
    const { port, requests } = await open(
      t,
      trainPods({}, { annotations: marked('another') }, { annotations: marked(OWNER) }),
    );
    await port.setCheckpoints(refs('t-0', 't-1', 't-2'), { owner: OWNER, ask: false }, call);
    assert.deepEqual(patches(requests), [
      [
        't-2',
        [
          { op: 'test', path: '/metadata/uid', value: 'uid-t-2' },
          { op: 'test', path: key, value: 'done' },
          { op: 'test', path: `${key}-for`, value: OWNER },
          { op: 'remove', path: key },
          { op: 'remove', path: `${key}-for` },
        ],
      ],
    ]);
  });

  it('looks again when somebody was faster, and says so after four times', async (t) => {
    const failedGuard = { status: 422, body: { reason: 'Invalid', details: {} } };
    let left = 1;
    const { port, requests } = await open(t, trainPods({}), () => ((left -= 1) >= 0 ? failedGuard : { status: 200 }));
    assert.deepEqual(await port.setCheckpoints(refs('t-0'), { owner: OWNER, ask: true }, call), { pods: 1 });
    assert.equal(patches(requests).length, 2);
    left = 99;
    await assert.rejects(port.setCheckpoints(refs('t-0'), { owner: OWNER, ask: true }, call), {
      type: 'stateConflict',
    });
  });
});
