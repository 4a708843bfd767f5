import type { CloudCore } from './core.ts';
import { Refusal, type Group } from './model.ts';
import type { GroupUpdate } from './node-groups.ts';
import type { CloudRequest, HttpCall, Resource } from './request.ts';

/** The part of EKS that node groups need: REST with JSON, times as epoch seconds. */

const GROUP = /^\/clusters\/([^/]+)\/node-groups\/([^/]+)$/;
const CONFIG = /^\/clusters\/([^/]+)\/node-groups\/([^/]+)\/update-config$/;
const UPDATE = /^\/clusters\/([^/]+)\/updates\/([^/]+)$/;

export const EKS_OPERATIONS = ['DescribeNodegroup', 'UpdateNodegroupConfig', 'DescribeUpdate'] as const;

export function readEksRequest(core: CloudCore, { method, path, query, body }: HttpCall): CloudRequest {
  const known = (cluster = ''): void => {
    if (cluster !== core.cluster)
      throw new Refusal('ResourceNotFoundException', `No cluster found for name: ${cluster}.`, 404);
  };
  const [, ofGroup, group = ''] = partsOf(GROUP, path);
  if (method === 'GET' && ofGroup !== undefined) {
    return request(core, 'DescribeNodegroup', group, () => {
      known(ofGroup);
      return { nodegroup: showGroup(core, core.nodeGroups.find(group)) };
    });
  }
  const [, ofConfig, configured = ''] = partsOf(CONFIG, path);
  if (method === 'POST' && ofConfig !== undefined) {
    const { clientRequestToken: token = '', scalingConfig = {} } = readConfig(body);
    const { minSize: min, maxSize: max, desiredSize: desired } = scalingConfig;
    const sizes = {
      ...(min !== undefined && { min }),
      ...(max !== undefined && { max }),
      ...(desired !== undefined && { desired }),
    };
    const perform = (nowMs: number) => {
      known(ofConfig);
      return { update: showUpdate(core.nodeGroups.configure(configured, { sizes, token, nowMs })) };
    };
    return { ...request(core, 'UpdateNodegroupConfig', configured, perform), token };
  }
  const [, ofUpdate, id = ''] = partsOf(UPDATE, path);
  if (method === 'GET' && ofUpdate !== undefined) {
    const name = query.get('nodegroupName') ?? '';
    return request(core, 'DescribeUpdate', name, () => {
      known(ofUpdate);
      return { update: showUpdate(core.nodeGroups.update(name, id)) };
    });
  }
  throw new Refusal('UnknownOperationException', `the stand-in has no ${method} ${path}`, 404);
}

function request(core: CloudCore, operation: string, group: string, perform: CloudRequest['perform']): CloudRequest {
  const arn = `arn:aws:eks:us-east-1:000000000000:nodegroup/${core.cluster}/${group}/stand-in`;
  const resource: Resource = { arn, tags: {} };
  return { action: `eks:${operation}`, resource, token: null, perform };
}

/** The whole match and its groups, each decoded; empty where the path is another. */
function partsOf(pattern: RegExp, path: string): readonly string[] {
  return [...(pattern.exec(path) ?? [])].map(decodeURIComponent);
}

interface Config {
  readonly clientRequestToken?: string;
  readonly scalingConfig?: { readonly minSize?: number; readonly maxSize?: number; readonly desiredSize?: number };
}

function readConfig(body: string): Config {
  try {
    const config: Config = JSON.parse(body === '' ? '{}' : body);
    return config;
  } catch {
    throw new Refusal('InvalidParameterException', 'the body is not JSON');
  }
}

const seconds = (ms: number): number => ms / 1_000;

function showGroup({ cluster, nodeGroups, fleet }: CloudCore, group: Group): object {
  const message = nodeGroups.issue(group);
  const code = 'AsgInstanceLaunchFailures';
  return {
    nodegroupName: group.name,
    clusterName: cluster,
    status: nodeGroups.status(group),
    capacityType: group.capacityType,
    scalingConfig: { minSize: group.stored.min, maxSize: group.stored.max, desiredSize: group.stored.desired },
    instanceTypes: group.instanceTypes,
    resources: { autoScalingGroups: [{ name: group.autoScalingGroup }] },
    health: { issues: message === null ? [] : [{ code, message, resourceIds: [group.autoScalingGroup] }] },
    createdAt: seconds(Math.max(0, ...fleet.instances(group).map(({ launchedAtMs }) => launchedAtMs))),
  };
}

function showUpdate({ id, status, params, createdAtMs, error }: GroupUpdate): object {
  const errors = status === 'Failed' && error !== null ? [{ ...error, resourceIds: [] }] : [];
  return { id, status, type: 'ConfigUpdate', params, createdAt: seconds(createdAtMs), errors };
}
