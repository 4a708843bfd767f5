/**
 * For each value that is read now (VALUES_READ_NOW): an overlay over the TenSafe example that changes it and nothing else.
 * Tests walk them to see that each change is seen where the value is read.
 */
export const POLICY_CHANGES: Readonly<Record<string, string>> = {
  'cluster.name': 'cluster: { name: another }',
  'prometheus.url': 'prometheus: { url: http://127.0.0.1:9999 }',
  'workloads.*.namespace': 'workloads: { tensafe-server: { namespace: another } }',
  'workloads.*.kind': 'workloads: { tensafe-server: { kind: StatefulSet } }',
  'workloads.*.object': 'workloads: { tensafe-server: { object: another } }',
  'workloads.*.limits.min': 'workloads: { tensafe-server: { limits: { min: 2 } } }',
  'workloads.*.limits.max': 'workloads: { tensafe-server: { limits: { max: 60 } } }',
  'workloads.*.jobs': 'workloads: { tensafe-server: { jobs: true } }',
  // what must not be scaled has no autoscaler, trigger or alert, so this one is said of a workload that has none
  'workloads.*.refuse': 'workloads: { tensafe-training-worker: { refuse: it is being moved } }',
  'workloads.*.stateful.allowDatabase': 'workloads: { tensafe-server: { stateful: { allowDatabase: true } } }',
  'workloads.*.stateful.allowVolumeDeletion':
    'workloads: { tensafe-server: { stateful: { allowVolumeDeletion: true } } }',
  'workloads.*.load.*.query': 'workloads: { tensafe-server: { load: { queue-depth: { query: sum(another) } } } }',
  'workloads.*.load.*.unit': 'workloads: { tensafe-server: { load: { queue-depth: { unit: jobs } } } }',
  'workloads.*.load.*.scaleUpAbove': 'workloads: { tensafe-server: { load: { queue-depth: { scaleUpAbove: 65 } } } }',
  'workloads.*.load.*.scaleDownBelow':
    'workloads: { tensafe-server: { load: { queue-depth: { scaleDownBelow: 9 } } } }',
  'workloads.*.load.*.perPod': 'workloads: { tensafe-server: { load: { cpu: { perPod: false } } } }',
  'workloads.*.dataHealthy': 'workloads: { tensafe-server: { dataHealthy: min(another) } }',
  'workloads.*.pricePerPodHour': 'workloads: { tensafe-server: { pricePerPodHour: 0.4 } }',
  'workloads.*.dashboards.*.title':
    'workloads: { tensafe-server: { dashboards: [{ title: Another, url: https://grafana.example.com/d/tensafe }] } }',
  'workloads.*.dashboards.*.url':
    'workloads: { tensafe-server: { dashboards: [{ title: TenSafe overview, url: https://grafana.example.com/d/another }] } }',
  'preScale.lead': 'preScale: { lead: 10m }',
  'preScale.availableWithin': 'preScale: { availableWithin: 6m }',
  'preScale.quiet.window': 'preScale: { quiet: { window: 14m } }',
  'preScale.quiet.askAfter': 'preScale: { quiet: { askAfter: 40m } }',
  'preScale.quiet.every': 'preScale: { quiet: { every: 20s } }',
  'preScale.quiet.step': 'preScale: { quiet: { step: 20s } }',
  'windDown.percent': 'windDown: { percent: 50 }',
  'windDown.every': 'windDown: { every: 4m }',
  'ledger.ownerCheckEvery': 'ledger: { ownerCheckEvery: 10s }',
  'ledger.guardEvery': 'ledger: { guardEvery: 4s }',
  'ledger.whenPersonLowers': 'ledger: { whenPersonLowers: reapply }',
  'ledger.continueAsNewAfterEvents': 'ledger: { continueAsNewAfterEvents: 900 }',
  'ledger.continueAsNewAfterUpdates': 'ledger: { continueAsNewAfterUpdates: 1400 }',
  'approval.preScale': 'approval: { preScale: always }',
  'approval.expiresAfter': 'approval: { expiresAfter: 2h }',
  'prices.currency': 'prices: { currency: EUR }',
};
