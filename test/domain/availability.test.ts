import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  groupTroubles,
  isSettled,
  judgeAvailability,
  findLowFloor,
  judgeRollout,
  TROUBLE_KINDS,
  type ContainerObservation,
  type EventObservation,
  type PodObservation,
  type PodTrouble,
} from '../../domain/availability.ts';
import type { Governor, WorkloadState } from '../../domain/workload.ts';

function aGovernor(of: Partial<Governor> = {}): Governor {
  return {
    kind: 'workload',
    workloadKind: 'Deployment',
    hasAnnotations: true,
    hasLabels: true,
    namespace: 'tensafe',
    name: 'server',
    uid: 'u',
    fields: {},
    marks: {},
    ignored: false,
    ...of,
  };
}
const anHpa = aGovernor({ kind: 'horizontalPodAutoscaler', name: 'server-hpa' });
const aScaledObject = aGovernor({ kind: 'scaledObject', name: 'server-keda' });

/** Six pods of one template, all available, unless said otherwise. */
function aState(of: Partial<WorkloadState> = {}): WorkloadState {
  return {
    ref: { name: 'server', namespace: 'tensafe', kind: 'Deployment', object: 'server' },
    uid: 'u',
    generation: 7,
    observedGeneration: 7,
    paused: false,
    wantedReplicas: 6,
    replicas: 6,
    updatedReplicas: 6,
    readyReplicas: 6,
    availableReplicas: 6,
    terminatingReplicas: 0,
    conditions: [],
    selector: 'app=server',
    autoscalers: [],
    self: aGovernor(),
    ...of,
  };
}
function aTrouble(of: Partial<PodTrouble> = {}): PodTrouble {
  return { kind: 'unschedulable', reason: 'Unschedulable', message: 'm', count: 1, examples: ['web-1'], ...of };
}
function judge(of: Partial<WorkloadState>, target = 6, troubles: readonly PodTrouble[] = []) {
  return judgeAvailability({ state: aState(of), target, troubles });
}
function reasonsOf(...given: Parameters<typeof judge>): readonly string[] {
  const verdict = judge(...given);
  return verdict.kind === 'available' ? [] : verdict.reasons;
}
function condition(type: string, status: string, reason: string, message = '') {
  return { type, status, reason, message };
}

describe('judging whether what is there is held', () => {
  const hpa = aGovernor({ kind: 'horizontalPodAutoscaler', name: 'server-hpa', fields: { floor: 3, ceiling: 20 } });

  it('finds no fault when the governor’s floor is the target or more', () => {
    assert.equal(findLowFloor(aState({ autoscalers: [hpa] }), 3), undefined);
    assert.equal(findLowFloor(aState({ self: aGovernor({ fields: { floor: 6 } }) }), 5), undefined);
  });
  it('names the governor whose floor is lower, though the pods may be there', () => {
    assert.match(findLowFloor(aState({ autoscalers: [hpa] }), 4) ?? '', /server-hpa is 3 and not yet 4/);
  });
  it('takes an absent floor for none, and two autoscalers for no hold at all', () => {
    assert.match(findLowFloor(aState({ autoscalers: [aScaledObject] }), 1) ?? '', /is 0 and not yet 1/);
    assert.match(findLowFloor(aState({ autoscalers: [hpa, aScaledObject] }), 1) ?? '', /stop each other/);
  });
});

describe('judging whether the pods are available', () => {
  it('answers available when so many are, the spec wants so many, and the controller has seen it', () => {
    assert.deepEqual(judge({}), { kind: 'available' });
    assert.deepEqual(judge({ availableReplicas: 4 }, 4), { kind: 'available' });
  });

  const waiting: readonly {
    name: string;
    of: Partial<WorkloadState>;
    target?: number;
    troubles?: PodTrouble[];
    reasons: string[];
  }[] = [
    {
      name: 'waits for the controller to see the newest generation, whatever the counts say',
      of: { generation: 8 },
      reasons: ['the Deployment controller has not seen the newest change yet'],
    },
    {
      name: 'waits while the spec wants fewer, although enough pods are still there',
      of: { wantedReplicas: 3, autoscalers: [anHpa] },
      reasons: [
        'spec.replicas is 3 of 6: HorizontalPodAutoscaler tensafe/server-hpa governs it and has not raised the count yet',
      ],
    },
    {
      name: 'names two autoscalers that stop each other',
      of: { wantedReplicas: 3, autoscalers: [anHpa, aScaledObject] },
      reasons: [
        'spec.replicas is 3 of 6: HorizontalPodAutoscaler tensafe/server-hpa and ScaledObject tensafe/server-keda stop each other; remove one',
      ],
    },
    {
      name: 'says that no autoscaler raises the count of a workload without one',
      of: { wantedReplicas: 3, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 },
      reasons: ['spec.replicas is 3 of 6: no autoscaler governs it, and nobody has set the count yet'],
    },
    {
      name: 'says that a rollout is under way',
      of: { availableReplicas: 5, updatedReplicas: 2, readyReplicas: 5 },
      reasons: ['a rollout is under way: 2 of 6 pods are of the newest template', '1 pod not ready yet'],
    },
    {
      name: 'says that pods are not created yet when nothing else explains it',
      of: { replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 },
      reasons: ['2 pods not created yet'],
    },
    {
      name: 'tells ready from available',
      of: { availableReplicas: 4 },
      reasons: ['2 pods ready, but not for minReadySeconds yet'],
    },
    {
      name: 'says that pods still terminating hold room and quota',
      of: { replicas: 5, updatedReplicas: 5, readyReplicas: 5, availableReplicas: 5, terminatingReplicas: 2 },
      reasons: ['1 pod not created yet', '2 pods still terminating, holding room and quota'],
    },
    {
      name: 'quotes the refusal of a Deployment, where no pod exists that could be Pending',
      of: {
        replicas: 3,
        updatedReplicas: 3,
        readyReplicas: 3,
        availableReplicas: 3,
        conditions: [
          condition(
            'ReplicaFailure',
            'True',
            'FailedCreate',
            'pods "server-x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3',
          ),
        ],
      },
      reasons: ['pods are refused: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3'],
    },
    {
      name: 'passes over a refusal that is over',
      of: {
        availableReplicas: 5,
        conditions: [condition('ReplicaFailure', 'False', 'FailedCreate', 'exceeded quota')],
      },
      reasons: ['1 pod ready, but not for minReadySeconds yet'],
    },
    {
      name: 'quotes a trouble with its count and examples',
      of: { availableReplicas: 0, readyReplicas: 0 },
      troubles: [
        aTrouble({
          message: '0/5 nodes are available: 5 Insufficient cpu.',
          count: 6,
          examples: ['a', 'b', 'c', 'd', 'e'],
        }),
      ],
      reasons: [
        '6 pods without a node: Unschedulable: 0/5 nodes are available: 5 Insufficient cpu. (a, b, c, d, e, …)',
      ],
    },
  ];
  for (const { name, of, target = 6, troubles = [], reasons } of waiting) {
    it(name, () => {
      const verdict = judge(of, target, troubles);
      assert.equal(verdict.kind, 'waiting');
      assert.deepEqual(reasonsOf(of, target, troubles), reasons);
    });
  }

  it('gives the counts with the reasons', () => {
    const verdict = judge({ availableReplicas: 2 });
    assert.ok(verdict.kind === 'waiting');
    assert.deepEqual([verdict.available, verdict.wanted], [2, 6]);
  });

  it('tells one refusal once, though the condition and the events both have it', () => {
    const conditions = [
      condition(
        'ReplicaFailure',
        'True',
        'FailedCreate',
        'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3',
      ),
    ];
    const troubles = [
      aTrouble({
        kind: 'notCreated',
        reason: 'FailedCreate',
        message: 'exceeded quota: q, requested: pods=1, used: pods=4',
        examples: [],
      }),
    ];
    assert.deepEqual(reasonsOf({ availableReplicas: 3, readyReplicas: 3, conditions }, 6, troubles), [
      'pods refused on creation: FailedCreate: exceeded quota: q, requested: pods=1, used: pods=4',
    ]);
  });

  it('tells a refusal of another kind beside those that the events have', () => {
    const conditions = [
      condition('ReplicaFailure', 'True', 'FailedCreate', 'admission webhook "w" denied the request'),
    ];
    const troubles = [
      aTrouble({ kind: 'notCreated', reason: 'FailedCreate', message: 'exceeded quota: q', examples: [] }),
    ];
    assert.equal(reasonsOf({ availableReplicas: 3, readyReplicas: 3, conditions }, 6, troubles).length, 2);
  });

  it('tells of terminating pods once', () => {
    const leaving = [aTrouble({ kind: 'terminating', reason: '', message: '', count: 2, examples: ['a', 'b'] })];
    const of = { availableReplicas: 5, readyReplicas: 5, terminatingReplicas: 2 };
    assert.deepEqual(reasonsOf(of, 6, leaving), ['2 pods still terminating, holding room and quota (a, b)']);
    assert.equal(reasonsOf(of, 6, [aTrouble()]).length, 2);
  });

  it('gives the earliest source first, whatever the order found', () => {
    const troubles = TROUBLE_KINDS.map((kind) =>
      aTrouble({ kind, reason: kind, message: '', examples: [] }),
    ).toReversed();
    const reasons = reasonsOf({ availableReplicas: 0 }, 6, troubles).slice(0, TROUBLE_KINDS.length);
    assert.deepEqual(
      reasons.map((reason) => reason.split(': ').at(-1)),
      TROUBLE_KINDS,
    );
  });

  it('never answers available with fewer than the target, in spec or status', () => {
    const count = fc.nat(8);
    fc.assert(
      fc.property(count, count, count, fc.nat(2), (wantedReplicas, availableReplicas, target, lag) => {
        const verdict = judge({ wantedReplicas, availableReplicas, observedGeneration: 7 - lag }, target);
        const isThere = wantedReplicas >= target && availableReplicas >= target && lag === 0;
        assert.equal(verdict.kind, isThere ? 'available' : 'waiting');
      }),
    );
  });
});

describe('judging a rollout', () => {
  const progressing = (reason: string) => [condition('Progressing', 'True', reason)];
  const rows: readonly {
    name: string;
    of: Partial<WorkloadState>;
    kind: 'settled' | 'inProgress' | 'paused';
    settled: boolean;
  }[] = [
    { name: 'is settled when all is of the newest template', of: {}, kind: 'settled', settled: true },
    {
      name: 'is no rollout to scale up',
      of: { wantedReplicas: 9, conditions: progressing('NewReplicaSetAvailable') },
      kind: 'settled',
      settled: false,
    },
    { name: 'is no rollout to scale down', of: { wantedReplicas: 3 }, kind: 'settled', settled: false },
    { name: 'is under way while old pods are left', of: { updatedReplicas: 5 }, kind: 'inProgress', settled: false },
    {
      name: 'is under way until the newest ReplicaSet is complete',
      of: { availableReplicas: 5, conditions: progressing('ReplicaSetUpdated') },
      kind: 'inProgress',
      settled: false,
    },
    { name: 'is under way while surge pods are left', of: { replicas: 7 }, kind: 'inProgress', settled: false },
    {
      name: 'is stuck past its deadline',
      of: { conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')] },
      kind: 'inProgress',
      settled: false,
    },
    { name: 'is paused by spec.paused', of: { paused: true, updatedReplicas: 2 }, kind: 'paused', settled: false },
    {
      name: 'is not settled while pods are unavailable',
      of: { availableReplicas: 5 },
      kind: 'settled',
      settled: false,
    },
    {
      name: 'is not settled before the controller has seen it',
      of: { generation: 8 },
      kind: 'settled',
      settled: false,
    },
    {
      name: 'is not settled before the newest template has all pods',
      of: { replicas: 4, updatedReplicas: 4, availableReplicas: 4 },
      kind: 'settled',
      settled: false,
    },
  ];
  for (const reason of ['NewReplicaSetCreated', 'FoundNewReplicaSet', 'ReplicaSetUpdated']) {
    it(`is under way with Progressing ${reason}`, () => {
      assert.equal(judgeRollout(aState({ conditions: progressing(reason) })).kind, 'inProgress');
    });
  }
  for (const { name, of, kind, settled } of rows) {
    it(name, () => {
      assert.equal(judgeRollout(aState(of)).kind, kind);
      assert.equal(isSettled(aState(of)), settled);
    });
  }
});

function aContainer(of: Partial<ContainerObservation> = {}): ContainerObservation {
  return {
    name: 'app',
    image: 'app:1',
    state: 'running',
    reason: '',
    message: '',
    ready: false,
    started: true,
    restarts: 0,
    ...of,
  };
}
function aPod(of: Partial<PodObservation> = {}): PodObservation {
  return {
    name: 'web-1',
    phase: 'Pending',
    reason: '',
    message: '',
    terminating: false,
    conditions: [],
    initContainers: [],
    containers: [aContainer()],
    ...of,
  };
}
function anEvent(of: Partial<EventObservation> = {}): EventObservation {
  return { object: { kind: 'Pod', name: 'web-1' }, reason: '', message: '', atMs: 1_000, ...of };
}
const unschedulable = [
  condition('PodScheduled', 'False', 'Unschedulable', '0/5 nodes are available: 5 Insufficient cpu.'),
];
function pulling(name: string, reason: string, message: string): PodObservation {
  return aPod({ name, containers: [aContainer({ state: 'waiting', reason, message })] });
}
function said(reason: string, atMs: number): EventObservation {
  return anEvent({ reason, message: reason, atMs });
}
function stuck(name: string, message: string): PodObservation {
  return aPod({ name, conditions: [condition('PodScheduled', 'False', 'Unschedulable', message)] });
}
function crashed(name: string, code: number, restarts: number): PodObservation {
  return aPod({
    name,
    containers: [
      aContainer({ state: 'waiting', reason: 'CrashLoopBackOff', restarts, lastExit: { code, reason: 'Error' } }),
    ],
  });
}
const replicaSet = { kind: 'ReplicaSet', name: 'web' };

describe('grouping what keeps pods from being available', () => {
  const rows: readonly {
    name: string;
    pod: Partial<PodObservation>;
    events?: EventObservation[];
    kind: string;
    reason: string;
    message: string;
  }[] = [
    {
      name: 'the scheduler finds no node',
      pod: { conditions: unschedulable, containers: [] },
      kind: 'unschedulable',
      reason: 'Unschedulable',
      message: '0/5 nodes are available: 5 Insufficient cpu.',
    },
    {
      name: 'a gate holds the pod',
      pod: { conditions: [condition('PodScheduled', 'False', 'SchedulingGated', 'gated')], containers: [] },
      kind: 'gated',
      reason: 'SchedulingGated',
      message: 'gated',
    },
    {
      name: 'the image cannot be pulled',
      pod: {
        containers: [
          aContainer({ state: 'waiting', reason: 'ImagePullBackOff', message: 'Back-off pulling image "app:1"' }),
        ],
      },
      kind: 'image',
      reason: 'ImagePullBackOff',
      message: 'container app: Back-off pulling image "app:1"',
    },
    {
      name: 'a container crashes',
      pod: {
        containers: [
          aContainer({
            state: 'waiting',
            reason: 'CrashLoopBackOff',
            message: 'back-off 5m0s restarting pod=web-1(uid)',
            restarts: 4,
            lastExit: { code: 137, reason: 'OOMKilled' },
          }),
        ],
      },
      kind: 'crash',
      reason: 'CrashLoopBackOff',
      message: 'container app exits with 137 (OOMKilled), restarts: 4',
    },
    {
      name: 'a container has just crashed',
      pod: {
        containers: [
          aContainer({ state: 'terminated', reason: 'Error', restarts: 1, lastExit: { code: 1, reason: 'Error' } }),
        ],
      },
      kind: 'crash',
      reason: 'Error',
      message: 'container app exits with 1 (Error), restarts: 1',
    },
    {
      name: 'a container that should serve ends well',
      pod: {
        containers: [
          aContainer({ state: 'terminated', reason: 'Completed', lastExit: { code: 0, reason: 'Completed' } }),
        ],
      },
      kind: 'crash',
      reason: 'Completed',
      message: 'container app exits with 0 (Completed), restarts: 0',
    },
    {
      name: 'a ConfigMap is missing',
      pod: {
        containers: [
          aContainer({ state: 'waiting', reason: 'CreateContainerConfigError', message: 'configmap "c" not found' }),
        ],
      },
      kind: 'config',
      reason: 'CreateContainerConfigError',
      message: 'container app: configmap "c" not found',
    },
    {
      name: 'an init container crashes, before the containers that wait for it',
      pod: {
        initContainers: [
          aContainer({
            name: 'migrate',
            state: 'waiting',
            reason: 'CrashLoopBackOff',
            restarts: 2,
            lastExit: { code: 2, reason: 'Error' },
          }),
        ],
        containers: [aContainer({ state: 'waiting', reason: 'PodInitializing' })],
      },
      kind: 'crash',
      reason: 'CrashLoopBackOff',
      message: 'init container migrate exits with 2 (Error), restarts: 2',
    },
    {
      name: 'an init container still runs',
      pod: {
        initContainers: [
          aContainer({
            name: 'first',
            state: 'terminated',
            reason: 'Completed',
            ready: true,
            lastExit: { code: 0, reason: 'Completed' },
          }),
          aContainer({ name: 'migrate' }),
        ],
        containers: [aContainer({ state: 'waiting', reason: 'PodInitializing' })],
      },
      kind: 'starting',
      reason: '',
      message: 'init container migrate runs',
    },
    {
      name: 'a volume does not come',
      pod: { containers: [aContainer({ state: 'waiting', reason: 'ContainerCreating' })] },
      events: [
        anEvent({ reason: 'FailedMount', message: 'secret "s" not found' }),
        anEvent({ reason: 'Scheduled', message: 'assigned', atMs: 2_000 }),
      ],
      kind: 'starting',
      reason: 'FailedMount',
      message: 'container app is being created: secret "s" not found',
    },
    {
      name: 'the kubelet has not reported yet',
      pod: { containers: [] },
      kind: 'starting',
      reason: '',
      message: 'nothing is reported of it yet',
    },
    {
      name: 'the readiness probe does not pass',
      pod: { phase: 'Running' },
      events: [
        anEvent({ reason: 'Unhealthy', message: 'Readiness probe failed: 500' }),
        anEvent({ reason: 'Unhealthy', message: 'Readiness probe failed: 503', atMs: 5_000 }),
      ],
      kind: 'notReady',
      reason: 'Unhealthy',
      message: 'container app has not passed its readiness probe: Readiness probe failed: 503',
    },
    {
      name: 'the startup probe does not pass, and it was restarted',
      pod: {
        phase: 'Running',
        containers: [aContainer({ started: false, restarts: 2, lastExit: { code: 137, reason: 'Error' } })],
      },
      kind: 'notReady',
      reason: '',
      message: 'container app has not passed its startup probe, restarts: 2, last exit with 137 (Error)',
    },
    {
      name: 'a readiness gate is not met',
      pod: {
        phase: 'Running',
        containers: [aContainer({ ready: true })],
        conditions: [
          condition(
            'Ready',
            'False',
            'ReadinessGatesNotReady',
            'the status of pod readiness gate "target-health" is not "True"',
          ),
        ],
      },
      kind: 'notReady',
      reason: 'ReadinessGatesNotReady',
      message: 'the status of pod readiness gate "target-health" is not "True"',
    },
    {
      name: 'a sidecar is not ready',
      pod: {
        phase: 'Running',
        initContainers: [aContainer({ name: 'proxy' })],
        containers: [aContainer({ ready: true })],
      },
      kind: 'notReady',
      reason: '',
      message: 'init container proxy has not passed its readiness probe',
    },
    {
      name: 'the node refused the pod',
      pod: { phase: 'Failed', reason: 'UnexpectedAdmissionError', message: 'no GPU' },
      kind: 'failed',
      reason: 'UnexpectedAdmissionError',
      message: 'no GPU',
    },
    {
      name: 'the pod is on its way out, whatever else',
      pod: { terminating: true, conditions: unschedulable },
      kind: 'terminating',
      reason: '',
      message: '',
    },
  ];
  for (const { name, pod, events = [], kind, reason, message } of rows) {
    it(`says so when ${name}`, () => {
      assert.deepEqual(groupTroubles([aPod(pod)], events), [{ kind, reason, message, count: 1, examples: ['web-1'] }]);
    });
  }

  const waitingReasons = [
    [
      'image',
      [
        'ErrImagePull',
        'ImagePullBackOff',
        'InvalidImageName',
        'ErrImageNeverPull',
        'ImageInspectError',
        'RegistryUnavailable',
        'SignatureValidationFailed',
      ],
    ],
    ['config', ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError', 'SomethingNew']],
    ['starting', ['', 'ContainerCreating', 'PodInitializing']],
  ] as const;
  for (const [kind, reasons] of waitingReasons) {
    it(`takes ${reasons.map((reason) => reason || 'no reason').join(', ')} for ${kind}`, () => {
      for (const reason of reasons) assert.equal(groupTroubles([pulling('a', reason, '')], [])[0]?.kind, kind, reason);
    });
  }

  it('reads why a container is not created yet from the events of its own pod only', () => {
    const creating = pulling('web-1', 'ContainerCreating', '');
    for (const reason of ['FailedMount', 'FailedAttachVolume', 'FailedCreatePodSandBox']) {
      assert.equal(groupTroubles([creating], [anEvent({ reason })])[0]?.reason, reason);
      for (const object of [
        { kind: 'Pod', name: 'web-2' },
        { kind: 'StatefulSet', name: 'web-1' },
      ]) {
        assert.equal(groupTroubles([creating], [anEvent({ reason, object })])[0]?.reason, '');
      }
    }
  });

  it('gives the reason of most pods first among those of one kind', () => {
    const troubles = groupTroubles([stuck('a', 'x'), stuck('b', 'y'), stuck('c', 'y')], []);
    assert.deepEqual(
      troubles.map(({ message }) => message),
      ['y', 'x'],
    );
  });

  it('keeps crashes with different exits apart, and those with different numbers of restarts together', () => {
    const troubles = groupTroubles([crashed('a', 1, 2), crashed('b', 1, 3), crashed('c', 2, 2)], []);
    assert.deepEqual(
      troubles.map(({ count }) => count),
      [2, 1],
    );
  });

  it('passes over pods that are ready or have ended well', () => {
    const ready = aPod({
      phase: 'Running',
      containers: [aContainer({ ready: true })],
      conditions: [condition('Ready', 'True', '')],
    });
    assert.deepEqual(groupTroubles([ready, aPod({ phase: 'Succeeded' })], []), []);
  });

  it('counts equal reasons together and names five of the pods', () => {
    const pods = ['g', 'f', 'e', 'd', 'c', 'b', 'a'].map((name) => aPod({ name, conditions: unschedulable }));
    const [trouble, ...others] = groupTroubles(pods, []);
    assert.equal(others.length, 0);
    assert.equal(trouble?.count, 7);
    assert.deepEqual(trouble?.examples, ['a', 'b', 'c', 'd', 'e']);
  });

  it('takes the two reasons of one failing pull for one, and keeps the message that says more', () => {
    const troubles = groupTroubles(
      [pulling('a', 'ImagePullBackOff', 'Back-off'), pulling('b', 'ErrImagePull', 'failed to pull app:1: not found')],
      [],
    );
    assert.deepEqual(troubles, [
      {
        kind: 'image',
        reason: 'ImagePullBackOff',
        message: 'container app: failed to pull app:1: not found',
        count: 2,
        examples: ['a', 'b'],
      },
    ]);
  });

  it('counts probe failures together although each message has its own address', () => {
    const pods = ['a', 'b'].map((name) => aPod({ name, phase: 'Running' }));
    const events = pods.map(({ name }) =>
      anEvent({ object: { kind: 'Pod', name }, reason: 'Unhealthy', message: `dial ${name}: refused` }),
    );
    assert.deepEqual(
      groupTroubles(pods, events).map(({ count }) => count),
      [2],
    );
  });

  it('reports refused creations, for which there is no pod, without the name each would have had', () => {
    const refused = (name: string, object = replicaSet) =>
      anEvent({
        object,
        reason: 'FailedCreate',
        message: `Error creating: pods "${name}" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3`,
      });
    assert.deepEqual(groupTroubles([], [refused('web-a'), refused('web-b')]), [
      {
        kind: 'notCreated',
        reason: 'FailedCreate',
        message: 'exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3',
        count: 2,
        examples: [],
      },
    ]);
    const set = anEvent({
      object: { kind: 'StatefulSet', name: 'db' },
      reason: 'FailedCreate',
      message: 'create Pod db-3 in StatefulSet db failed error: pods "db-3" is forbidden: exceeded quota: q',
    });
    assert.deepEqual(groupTroubles([], [set])[0]?.message, 'exceeded quota: q');
  });

  it('forgets a refusal once the same owner has created a pod since', () => {
    const failed = anEvent({ object: replicaSet, reason: 'FailedCreate', message: 'no', atMs: 1_000 });
    const created = (atMs: number, object = replicaSet) => anEvent({ object, reason: 'SuccessfulCreate', atMs });
    assert.deepEqual(groupTroubles([], [failed, created(2_000)]), []);
    assert.equal(groupTroubles([], [failed, created(500)]).length, 1);
    assert.equal(groupTroubles([], [failed, created(2_000, { kind: 'ReplicaSet', name: 'other' })]).length, 1);
  });

  it('says what the node autoscaler last said of a pod without a node', () => {
    const pod = aPod({ conditions: unschedulable, containers: [] });
    const kinds = (...events: EventObservation[]) => groupTroubles([pod], events).map(({ kind }) => kind);
    assert.deepEqual(kinds(said('TriggeredScaleUp', 1)), ['unschedulable', 'nodesComing']);
    assert.deepEqual(kinds(said('TriggeredScaleUp', 1), said('NotTriggerScaleUp', 2)), [
      'unschedulable',
      'nodesRefused',
    ]);
    assert.deepEqual(kinds(said('NotTriggerScaleUp', 1), said('Nominated', 2)), ['unschedulable', 'nodesComing']);
    for (const reason of ['NoCompatibleInstanceTypes', 'InsufficientCapacityError']) {
      assert.deepEqual(kinds(said(reason, 1)), ['unschedulable', 'nodesRefused']);
    }
    assert.deepEqual(
      groupTroubles([aPod({ phase: 'Running' })], [said('TriggeredScaleUp', 1)]).map(({ kind }) => kind),
      ['notReady'],
    );
  });

  it('gives the earliest source first', () => {
    const pods = [
      aPod({ name: 'a', terminating: true }),
      aPod({ name: 'b', phase: 'Running' }),
      aPod({ name: 'c', conditions: unschedulable }),
    ];
    const events = [anEvent({ object: replicaSet, reason: 'FailedCreate', message: 'no' })];
    assert.deepEqual(
      groupTroubles(pods, events).map(({ kind }) => kind),
      ['notCreated', 'unschedulable', 'notReady', 'terminating'],
    );
  });

  it('counts every pod that is not ready exactly once', () => {
    const pod = fc.record({
      terminating: fc.boolean(),
      conditions: fc.constantFrom(unschedulable, [], [condition('Ready', 'False', 'ContainersNotReady')]),
      containers: fc.array(
        fc.record({
          state: fc.constantFrom('waiting' as const, 'running' as const, 'terminated' as const),
          reason: fc.constantFrom('', 'ContainerCreating', 'CrashLoopBackOff', 'ErrImagePull', 'Odd'),
          ready: fc.boolean(),
        }),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(fc.array(pod, { maxLength: 8 }), (given) => {
        const pods = given.map((of, index) =>
          aPod({ ...of, name: `p${index}`, containers: of.containers.map(aContainer) }),
        );
        const troubles = groupTroubles(pods, []);
        assert.equal(
          troubles.reduce((sum, { count }) => sum + count, 0),
          pods.length,
        );
      }),
    );
  });
});
