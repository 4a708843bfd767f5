import { fileURLToPath } from 'node:url';
import { REGION, WORKER_KEY } from './cloud/keys.ts';
import { isRunning, listSandboxes, type SandboxStatus } from './state.ts';

const example = (file: string): string => fileURLToPath(new URL(`../examples/tensafe/${file}`, import.meta.url));

/** What points the commands, the worker and kubectl at a sandbox. The policy is the example's, on its short clock. */
export function environmentOf(status: SandboxStatus): Readonly<Record<string, string>> {
  const { addresses, kubeconfig, temporal, webhook } = status;
  return {
    HEADROOM_SANDBOX: status.name,
    HEADROOM_CONFIG: `${example('headroom.yaml')}:${example('demo.yaml')}`,
    KUBECONFIG: kubeconfig.admin,
    HEADROOM_KUBECONFIG: kubeconfig.worker ?? kubeconfig.admin,
    TEMPORAL_ADDRESS: addresses.temporal,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_CONFIG_FILE: temporal.configFile,
    HEADROOM_PROMETHEUS_URL: addresses.prometheus,
    HEADROOM_TEMPORAL_UI: addresses.temporalUi,
    ...(webhook && { HEADROOM_WEBHOOK_LISTEN: webhook.listen, HEADROOM_WEBHOOK_BEARER_FILE: webhook.bearerFile }),
    ...(addresses.cloud !== undefined && awsAt(addresses.cloud)),
    ...(status.extras.length > 0 && { HEADROOM_SANDBOX_WITH: status.extras.join(',') }),
  };
}

/** Also in a sandbox without AWS: what is tried there must never reach somebody's account. */
const awsAt = (url: string): Readonly<Record<string, string>> => ({
  AWS_ENDPOINT_URL_EKS: url,
  AWS_ENDPOINT_URL_AUTO_SCALING: url,
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: WORKER_KEY.accessKeyId,
  AWS_SECRET_ACCESS_KEY: WORKER_KEY.secretAccessKey,
  AWS_SESSION_TOKEN: '',
});

/** Any of these says that the user means another place. */
const SETTINGS = [
  'TEMPORAL_ADDRESS',
  'TEMPORAL_PROFILE',
  'TEMPORAL_CONFIG_FILE',
  'HEADROOM_CONFIG',
  'HEADROOM_KUBECONFIG',
  'KUBECONFIG',
];

/** Commands without a setting use the only sandbox that runs. */
export function useOnlySandbox(env: Record<string, string | undefined>): void {
  if (SETTINGS.some((name) => env[name] !== undefined)) return;
  const [only, ...others] = listSandboxes().filter(isRunning);
  if (only !== undefined && others.length === 0) Object.assign(env, environmentOf(only));
}
