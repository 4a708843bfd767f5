import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findPodFacts, type PodSpecFacts } from '../../domain/pod-facts.ts';
import { aContainer, aSpec } from './preflight-builders.ts';

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
});
