import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodFacts } from '../../domain/pod-facts.ts';
import type { QuotaFacts } from '../../domain/quota.ts';
import { aNode, aPod, aQuota, fitting, judge } from './preflight-builders.ts';

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
