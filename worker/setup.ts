import { Connection, isGrpcServiceError } from '@temporalio/client';
import { createCloudPort } from '../adapters/aws/cloud.ts';
import { checkAccess, type AccessVerdict } from '../adapters/kubernetes/access.ts';
import { loadPolicy } from '../adapters/policy-file.ts';
import { eksClusterOf, type Policy } from '../domain/policy.ts';
import { readWorkerConfig, type WorkerConfig } from './config.ts';
import { SEARCH_ATTRIBUTE_NUMBERS } from './search-attributes.ts';
import { cloudFindings, type AskCloudAccess, type Finding } from './setup-cloud.ts';

/** Registers what Temporal must know, looks whether the cluster allows what headroom does, and names all that is missing; exit 1 then. */
export async function setup({
  json,
  askCloudAccess,
}: {
  readonly json: boolean;
  /** A worker, where one runs. */
  readonly askCloudAccess: AskCloudAccess;
}): Promise<void> {
  const config = readWorkerConfig(process.env);
  const findings = [...(await temporalFindings(config)), ...(await policyFindings(config, askCloudAccess))];
  const isReady = findings.every(({ ok }) => ok !== false);
  const text = findings
    .map(({ what, ok, detail }) => `${VERDICTS[`${ok}`]}  ${what}${detail === '' ? '' : `: ${detail}`}`)
    .join('\n');
  process.stdout.write(json ? `${JSON.stringify({ ready: isReady, findings })}\n` : `${text}\n`);
  process.exitCode = isReady ? 0 : 1;
}

const VERDICTS = { true: 'ok       ', false: 'missing  ', null: 'not tried' } as const;

async function temporalFindings({ temporal }: WorkerConfig): Promise<readonly Finding[]> {
  const { connectionOptions, namespace = 'default' } = temporal;
  const what = `Temporal at ${connectionOptions.address ?? 'localhost:7233'}, namespace ${namespace}`;
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: 5_000 });
    try {
      const { serverVersion } = await connection.workflowService.getSystemInfo({});
      return [{ what, ok: true, detail: `server ${serverVersion}` }, await registered(connection, namespace)];
    } finally {
      await connection.close();
    }
  } catch (error) {
    return [{ what, ok: false, detail: messageOf(error) }];
  }
}

/** Adds what is not there yet; one that is there with another type cannot be mended here. */
async function registered(connection: Connection, namespace: string): Promise<Finding> {
  const what = 'search attributes';
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const wanted = Object.entries(SEARCH_ATTRIBUTE_NUMBERS);
  const wrong = wanted
    .filter(
      ([name, type]) => customAttributes[name] !== undefined && customAttributes[name]?.valueOf() !== type.valueOf(),
    )
    .map(([name]) => name);
  if (wrong.length > 0)
    return { what, ok: false, detail: `${wrong.join(', ')} exist with another type; remove them and run setup again` };
  const missing = wanted.filter(([name]) => customAttributes[name] === undefined);
  try {
    if (missing.length > 0)
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing),
      });
    return {
      what,
      ok: true,
      detail: missing.length === 0 ? 'all there' : `added ${missing.map(([name]) => name).join(', ')}`,
    };
  } catch (error) {
    return {
      what,
      ok: false,
      detail: `could not add ${missing.map(([name]) => name).join(', ')}: ${messageOf(error)}`,
    };
  }
}

async function policyFindings(config: WorkerConfig, ofWorker: AskCloudAccess): Promise<readonly Finding[]> {
  const { policyFiles } = config;
  const what = `policy ${policyFiles.join(', ')}`;
  try {
    const policy = await loadPolicy(policyFiles);
    const { length: workloads } = Object.keys(policy.workloads);
    const ofCommand: AskCloudAccess = (groups) =>
      createCloudPort(eksClusterOf(policy)).checkAccess(groups, {
        signal: new AbortController().signal,
        caller: 'setup',
      });
    return [
      { what, ok: true, detail: `${workloads} workloads` },
      ...(await clusterFindings(config, policy)),
      ...(await cloudFindings(policy, { ofWorker, ofCommand })),
    ];
  } catch (error) {
    return [{ what, ok: false, detail: messageOf(error) }];
  }
}

async function clusterFindings(config: WorkerConfig, policy: Policy): Promise<readonly Finding[]> {
  try {
    const namespaces = [...new Set(Object.values(policy.workloads).map(({ namespace }) => namespace))];
    const { version, verdicts } = await checkAccess({
      ...(config.kubeconfig !== undefined && { kubeconfigPath: config.kubeconfig }),
      namespaces,
      removesNodeClaims: policy.drain.karpenter === 'remove',
    });
    return [
      { what: 'Kubernetes', ok: true, detail: version },
      ...verdicts.map(({ verb, resource, namespace, allowed, reason }: AccessVerdict) => ({
        what: `may ${verb} ${resource}${namespace === undefined ? '' : ` in ${namespace}`}`,
        ok: allowed,
        detail: allowed ? '' : `${reason}; deploy/${verb === 'delete' ? 'karpenter' : 'kubernetes'}/ has the role`,
      })),
    ];
  } catch (error) {
    return [{ what: 'Kubernetes', ok: false, detail: messageOf(error) }];
  }
}

function messageOf(error: unknown): string {
  if (isGrpcServiceError(error)) return error.details;
  return error instanceof Error ? error.message : String(error);
}
