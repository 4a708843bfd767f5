import { SEARCH_ATTRIBUTES } from '../worker/search-attributes.ts';
import { join } from 'node:path';
import { ALERTMANAGER_COMPONENTS } from './alertmanager.ts';
import { certificate, delegated, key, UNHURRIED, type Component } from './component.ts';
import type { Extra } from './extras.ts';
import { KEDA_COMPONENTS } from './keda.ts';
import { healthy, kubernetesReady } from './probes.ts';
import { pathIn, url } from './run.ts';

/** The programs of every sandbox, and those of its extras. */
export function componentsWith(extras: readonly Extra[]): readonly Component[] {
  return [
    ...COMPONENTS,
    ...(extras.includes('keda') ? KEDA_COMPONENTS : []),
    ...(extras.includes('alertmanager') ? ALERTMANAGER_COMPONENTS : []),
  ];
}

const COMPONENTS: readonly Component[] = [
  {
    name: 'etcd',
    needs: [],
    args: ({ ports, directory }) => [
      `--data-dir=${join(directory, 'etcd')}`,
      `--listen-client-urls=${url(ports.etcd)}`,
      `--advertise-client-urls=${url(ports.etcd)}`,
      `--listen-peer-urls=${url(ports.etcdPeer)}`,
      `--initial-advertise-peer-urls=${url(ports.etcdPeer)}`,
      `--initial-cluster=default=${url(ports.etcdPeer)}`,
      '--unsafe-no-fsync', // nothing here outlives the machine's power anyway
      '--log-level=warn',
    ],
    ready: ({ ports }) => healthy(`${url(ports.etcd)}/health`),
  },
  {
    name: 'kube-apiserver',
    needs: ['etcd'],
    args: (run) => [
      `--etcd-servers=${url(run.ports.etcd)}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${run.ports.kubernetes}`,
      // without these two it looks for the interface of the default route, and refuses loopback
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      '--allow-privileged=true',
      '--service-cluster-ip-range=10.0.0.0/24',
      `--cert-dir=${join(run.directory, 'apiserver')}`,
      `--tls-cert-file=${certificate(run, 'apiserver')}`,
      `--tls-private-key-file=${key(run, 'apiserver')}`,
      `--client-ca-file=${certificate(run, 'ca')}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${certificate(run, 'service-account')}`,
      `--service-account-signing-key-file=${key(run, 'service-account')}`,
      '--authorization-mode=Node,RBAC',
      `--requestheader-client-ca-file=${certificate(run, 'front-ca')}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${certificate(run, 'front')}`,
      `--proxy-client-key-file=${key(run, 'front')}`,
      `--audit-policy-file=${pathIn(run, 'auditPolicy')}`,
      `--audit-log-path=${pathIn(run, 'auditLog')}`,
      '--audit-log-maxsize=0', // one file: the witness is read from start to end
      '--default-not-ready-toleration-seconds=10',
      '--default-unreachable-toleration-seconds=10',
    ],
    ready: (run) => kubernetesReady(run.kube),
  },
  {
    name: 'kube-controller-manager',
    needs: ['kube-apiserver'],
    args: (run) => [
      ...delegated(run),
      ...UNHURRIED,
      '--bind-address=127.0.0.1',
      `--secure-port=${run.ports.controllerManager}`,
      `--cert-dir=${join(run.directory, 'controller-manager')}`,
      '--leader-elect=false',
      '--use-service-account-credentials=true',
      `--root-ca-file=${certificate(run, 'ca')}`,
      `--service-account-private-key-file=${key(run, 'service-account')}`,
      '--node-monitor-period=1s',
      '--node-monitor-grace-period=10s',
      '--horizontal-pod-autoscaler-sync-period=2s',
      '--horizontal-pod-autoscaler-downscale-stabilization=10s',
      '--horizontal-pod-autoscaler-initial-readiness-delay=1s',
      '--horizontal-pod-autoscaler-cpu-initialization-period=1s',
    ],
    ready: ({ ports }) => healthy(`https://127.0.0.1:${ports.controllerManager}/healthz`),
  },
  {
    name: 'kube-scheduler',
    needs: ['kube-apiserver'],
    args: (run) => [
      ...delegated(run),
      ...UNHURRIED,
      '--bind-address=127.0.0.1',
      `--secure-port=${run.ports.scheduler}`,
      `--cert-dir=${join(run.directory, 'scheduler')}`,
      '--leader-elect=false',
    ],
    ready: ({ ports }) => healthy(`https://127.0.0.1:${ports.scheduler}/healthz`),
  },
  {
    name: 'kwok',
    needs: ['stages'],
    args: (run) => [
      `--config=${pathIn(run, 'kwokConfig')}`,
      `--kubeconfig=${pathIn(run, 'kubeconfig')}`,
      // by label, so that a test kills a node by taking its label away: by annotation kwok would go on renewing the lease
      '--manage-nodes-with-label-selector=type=kwok',
      '--node-name=localhost',
      `--node-port=${run.ports.kwok}`,
      `--server-address=127.0.0.1:${run.ports.kwok}`,
      `--tls-cert-file=${certificate(run, 'serving')}`,
      `--tls-private-key-file=${key(run, 'serving')}`,
      '--node-lease-duration-seconds=8',
      '--enable-crds=Stage,ResourceUsage,ClusterResourceUsage',
      '--v=WARN', // it tells of every lease
    ],
    environment: (run) => ({ KWOK_WORKDIR: join(run.directory, 'kwok') }),
    ready: ({ ports }) => healthy(`https://127.0.0.1:${ports.kwok}/healthz`),
  },
  {
    name: 'metrics-server',
    // its first values take two scrapes, half a minute: nobody starts a sandbox to wait for that
    needs: ['metrics-api', 'kwok'],
    args: (run) => [
      ...delegated(run),
      '--bind-address=127.0.0.1',
      `--secure-port=${run.ports.metricsServer}`,
      `--tls-cert-file=${certificate(run, 'serving')}`,
      `--tls-private-key-file=${key(run, 'serving')}`,
      '--kubelet-insecure-tls',
      '--kubelet-use-node-status-port',
      '--kubelet-preferred-address-types=Hostname,InternalIP',
      '--metric-resolution=10s', // the least it accepts
      '--kubelet-request-timeout=5s', // has to be shorter
    ],
  },
  {
    name: 'temporal',
    needs: [],
    args: (run) => [
      'server',
      'start-dev',
      '--ip=127.0.0.1',
      `--port=${run.ports.temporal}`,
      `--ui-port=${run.ports.temporalUi}`,
      `--http-port=${run.ports.temporalHttp}`,
      `--metrics-port=${run.ports.temporalMetrics}`,
      `--db-filename=${pathIn(run, 'temporalDatabase')}`,
      '--namespace=default',
      '--log-level=warn',
      '--disable-config-file',
      ...Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `--search-attribute=${name}=${type}`),
    ],
    ready: ({ ports }) =>
      healthy(`${url(ports.temporalHttp)}/api/v1/namespaces/default`, `${url(ports.temporalUi)}/healthz`),
  },
  {
    name: 'prometheus',
    needs: [],
    args: (run) => [
      `--config.file=${pathIn(run, 'prometheusConfig')}`,
      `--storage.tsdb.path=${join(run.directory, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${run.ports.prometheus}`,
      '--web.enable-lifecycle',
      '--rules.alert.resend-delay=5s', // at the default, the first alert is lost for a minute while discovery starts
      '--log.level=warn',
    ],
    ready: ({ ports }) => healthy(`${url(ports.prometheus)}/-/ready`),
  },
];
