import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LimitRangeFacts } from '../../domain/limit-range.ts';
import { findPodFacts, type PodSpecFacts } from '../../domain/pod-facts.ts';
import { aContainer, aSpec, judge } from './preflight-builders.ts';

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
