import { registerApi } from './aggregation.ts';
import { certificate, delegated, UNHURRIED, type Component, type Step } from './component.ts';
import { base64 } from './kube.ts';
import { healthy, listening } from './probes.ts';
import { KEDA_NAMESPACE, pathIn, url, type Run } from './run.ts';

/** All of it is required outside of a pod. */
const environment = (run: Run): Readonly<Record<string, string>> => ({
  KUBECONFIG: pathIn(run, 'kubeconfig'),
  WATCH_NAMESPACE: '',
  POD_NAMESPACE: KEDA_NAMESPACE,
  KEDA_CLUSTER_OBJECT_NAMESPACE: KEDA_NAMESPACE,
});

const metricsService = ({ ports }: Run): string => `127.0.0.1:${ports.kedaMetricsService}`;
const certificates = (run: Run): string => pathIn(run, 'certificates', 'keda');

export const KEDA_COMPONENTS: readonly Component[] = [
  {
    name: 'keda-operator',
    // without its definitions it logs errors and waits
    needs: ['definitions', 'keda-namespace'],
    args: (run) => [
      ...UNHURRIED,
      `--metrics-bind-address=127.0.0.1:${run.ports.kedaOperatorMetrics}`,
      `--health-probe-bind-address=127.0.0.1:${run.ports.kedaOperator}`,
      `--metrics-service-bind-address=${metricsService(run)}`,
      `--cert-dir=${certificates(run)}`,
      '--leader-elect=false',
    ],
    environment,
    ready: ({ ports }) => healthy(`${url(ports.kedaOperator)}/readyz`),
  },
  {
    name: 'keda-webhooks',
    needs: ['definitions', 'keda-namespace'],
    args: (run) => [
      ...UNHURRIED,
      '--metrics-bind-address=0',
      `--health-probe-bind-address=127.0.0.1:${run.ports.kedaWebhooksHealth}`,
      `--port=${run.ports.kedaWebhooks}`,
      `--cert-dir=${certificates(run)}`,
    ],
    environment,
    // its health says that it lives, not that it takes requests
    ready: ({ ports }) => listening(ports.kedaWebhooks),
  },
  {
    name: 'keda-adapter',
    needs: ['keda-operator'],
    args: (run) => [
      ...delegated(run),
      ...UNHURRIED,
      `--lister-kubeconfig=${pathIn(run, 'kubeconfig')}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${run.ports.kedaAdapter}`,
      `--port=${run.ports.kedaAdapterMetrics}`,
      `--metrics-service-address=${metricsService(run)}`,
      `--cert-dir=${certificates(run)}`,
      `--tls-cert-file=${certificate(run, 'keda/tls')}`,
      `--tls-private-key-file=${pathIn(run, 'certificates', 'keda', 'tls.key')}`,
      `--client-ca-file=${certificate(run, 'ca')}`,
    ],
    environment,
    ready: ({ ports }) => healthy(`https://127.0.0.1:${ports.kedaAdapter}/healthz`),
  },
];

export const KEDA_STEPS: readonly Step[] = [
  {
    name: 'keda-namespace',
    needs: ['kube-apiserver'],
    run: ({ kube }) => kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: KEDA_NAMESPACE } }),
  },
  { name: 'keda-admission', needs: ['keda-webhooks'], run: registerAdmission },
  {
    name: 'external-metrics-api',
    // registered before its server answers, it would count as away until the next look half a minute later
    needs: ['keda-adapter'],
    run: ({ kube, ports }) =>
      registerApi(kube, {
        group: 'external.metrics.k8s.io',
        version: 'v1beta1',
        service: { name: 'keda-metrics-apiserver', namespace: KEDA_NAMESPACE },
        port: ports.kedaAdapter,
      }),
  },
];

/** As KEDA ships it, but `Fail`: what the webhook would refuse does not slip through while it is away. */
function registerAdmission({ kube, ports, certificates: { ca } }: Run): Promise<void> {
  const path = '/validate-keda-sh-v1alpha1-scaledobject';
  return kube.apply({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'keda-admission' },
    webhooks: [
      {
        name: 'vscaledobject.kb.io',
        clientConfig: { url: `https://127.0.0.1:${ports.kedaWebhooks}${path}`, caBundle: base64(ca.certificate) },
        rules: [
          {
            apiGroups: ['keda.sh'],
            apiVersions: ['v1alpha1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['scaledobjects'],
          },
        ],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  });
}
