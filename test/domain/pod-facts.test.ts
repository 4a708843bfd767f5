import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findPodFacts, type PodSpecFacts } from '../../domain/pod-facts.ts';
import { aContainer, aSpec, HOSTNAME, ZONE } from './preflight-builders.ts';

describe('what quotas and nodes see of a pod', () => {
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
