import { loadClientConnectConfig } from '@temporalio/envconfig';

/**
 * Where the worker finds its surroundings. Temporal by its own profiles and TEMPORAL_* variables,
 * Kubernetes by the usual kubeconfig rules (HEADROOM_KUBECONFIG first), the policy by HEADROOM_CONFIG.
 */
export interface WorkerConfig {
  readonly temporal: ReturnType<typeof loadClientConnectConfig>;
  /** Files of the policy, the later ones overlaying the earlier. */
  readonly policyFiles: readonly string[];
  readonly kubeconfig?: string;
  /** Replaces `prometheus.url` of the policy: the same file serves a laptop and the cluster. */
  readonly prometheusUrl?: string;
}

export function readWorkerConfig(env: Readonly<Record<string, string | undefined>>): WorkerConfig {
  const {
    HEADROOM_CONFIG: config = 'headroom.yaml',
    HEADROOM_KUBECONFIG: kubeconfig,
    HEADROOM_PROMETHEUS_URL: prometheusUrl,
  } = env;
  return {
    temporal: loadClientConnectConfig(),
    policyFiles: config.split(':').filter((file) => file !== ''),
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(prometheusUrl !== undefined && { prometheusUrl }),
  };
}
