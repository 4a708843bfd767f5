import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeReadiness } from '../../domain/readiness.ts';
import type { AutoscalerFacts, Governor } from '../../domain/workload.ts';

function aGovernor(kind: Governor['kind'], floor: number, autoscaler?: AutoscalerFacts): Governor {
  return {
    kind,
    workloadKind: 'Deployment',
    namespace: 'shop',
    name: 'web',
    uid: 'uid-1',
    hasAnnotations: true,
    hasLabels: true,
    fields: { floor, ceiling: 20 },
    marks: {},
    ignored: false,
    ...(autoscaler !== undefined && { autoscaler }),
  };
}

function aFrozen(autoscaler: AutoscalerFacts): Governor {
  const governor = aGovernor('scaledObject', 6, autoscaler);
  return { ...governor, fields: { ...governor.fields, freeze: 'true' } };
}

describe('judging whether a governor does what its floor says', () => {
  const inForce = { floor: 6, ceiling: 20, frozen: false };
  const rows: readonly (readonly [name: string, governor: Governor, live: number, kind: string, word?: RegExp])[] = [
    ['a workload by itself', aGovernor('workload', 0), 0, 'effective'],
    ['an HPA', aGovernor('horizontalPodAutoscaler', 6, {}), 6, 'effective'],
    ['an HPA whose workload is at none', aGovernor('horizontalPodAutoscaler', 6, {}), 0, 'off', /switched off/],
    ['a ScaledObject that KEDA follows', aGovernor('scaledObject', 6, { inForce }), 6, 'effective'],
    ['a ScaledObject at none, which KEDA lifts', aGovernor('scaledObject', 6, { inForce }), 0, 'effective'],
    [
      'a minimum of 0, of which the HPA makes 1',
      aGovernor('scaledObject', 0, { inForce: { floor: 1, ceiling: 20, frozen: false } }),
      0,
      'effective',
    ],
    [
      'a ScaledObject that somebody paused',
      aGovernor('scaledObject', 6, { paused: 'autoscaling.keda.sh/paused=true', inForce: null }),
      6,
      'paused',
      /paused by autoscaling\.keda\.sh\/paused=true/,
    ],
    ['KEDA behind its ScaledObject', aGovernor('scaledObject', 8, { inForce }), 6, 'silent', /8, .*still has 6/],
    [
      'a freeze that KEDA has not passed on',
      aFrozen({ inForce }),
      6,
      'silent',
      /to be frozen, but KEDA's HPA still scales in/,
    ],
    ['a freeze that KEDA has passed on', aFrozen({ inForce: { ...inForce, frozen: true } }), 6, 'effective'],
    ['a freeze of which KEDA is too old to know', aFrozen({ inForce, version: '2.17.0' }), 6, 'effective'],
    ['a ScaledObject without an HPA', aGovernor('scaledObject', 6, { inForce: null }), 6, 'silent', /no HPA/],
    ['an idle count under the floor', aGovernor('scaledObject', 6, { inForce, idleReplicas: 1 }), 6, 'idleable'],
  ];
  for (const [name, governor, live, kind, word] of rows) {
    it(`calls ${name} ${kind}`, () => {
      const readiness = judgeReadiness(governor, live);
      assert.equal(readiness.kind, kind);
      if (word !== undefined) assert.match('reason' in readiness ? readiness.reason : '', word);
    });
  }
});
