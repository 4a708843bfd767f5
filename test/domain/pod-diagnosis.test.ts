import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groupTroubles } from '../../domain/diagnosis.ts';
import type { EventObservation, PodObservation } from '../../domain/pod-diagnosis.ts';
import { condition } from './availability-builders.ts';
import { aContainer, anEvent, aPod, pulling, unschedulable } from './diagnosis-builders.ts';

function said(reason: string, atMs: number): EventObservation {
  return anEvent({ reason, message: reason, atMs });
}

describe('finding what keeps one pod from being available', () => {
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

  it('passes over pods that are ready or have ended well', () => {
    const ready = aPod({
      phase: 'Running',
      containers: [aContainer({ ready: true })],
      conditions: [condition('Ready', 'True', '')],
    });
    assert.deepEqual(groupTroubles([ready, aPod({ phase: 'Succeeded' })], []), []);
  });

  it('says what the node autoscaler last said of a pod without a node, and nothing of what the scheduler said', () => {
    const pod = aPod({ conditions: unschedulable, containers: [] });
    const kinds = (...events: EventObservation[]) => groupTroubles([pod], events).map(({ kind }) => kind);
    assert.deepEqual(kinds(said('TriggeredScaleUp', 1)), ['unschedulable', 'nodesComing']);
    assert.deepEqual(kinds(said('TriggeredScaleUp', 1), said('NotTriggerScaleUp', 2)), [
      'unschedulable',
      'nodesRefused',
    ]);
    assert.deepEqual(kinds(said('NotTriggerScaleUp', 1), said('Nominated', 2)), ['unschedulable', 'nodesComing']);
    const scheduling = (source: string) => kinds({ ...said('FailedScheduling', 1), source });
    assert.deepEqual(scheduling('default-scheduler'), ['unschedulable']);
    for (const source of ['karpenter', 'eks-auto-mode/compute'])
      assert.deepEqual(scheduling(source), ['unschedulable', 'nodesRefused'], source);
    for (const reason of ['NoCompatibleInstanceTypes', 'InsufficientCapacityError']) {
      assert.deepEqual(kinds(said(reason, 1)), ['unschedulable', 'nodesRefused']);
    }
    assert.deepEqual(
      groupTroubles([aPod({ phase: 'Running' })], [said('TriggeredScaleUp', 1)]).map(({ kind }) => kind),
      ['notReady'],
    );
  });
});
