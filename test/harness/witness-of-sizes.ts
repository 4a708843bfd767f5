import { defaultPayloadConverter } from '@temporalio/common';
import type { TerminationRequest } from '../../activities/nodes.ts';
import type { DrainRequest } from '../../domain/drain-request.ts';
import { WORKER_KEY } from '../../sandbox/cloud/keys.ts';
import type { CloudCall } from '../../sandbox/cloud/server.ts';
import type { Witnessed } from './gpu-witness.ts';
import type { Lane } from './lane.ts';

const isOurs = ({ accessKeyId }: CloudCall): boolean => accessKeyId === WORKER_KEY.accessKeyId;
/** It was carried out, whether or not that was heard. */
const hadEffect = ({ outcome }: CloudCall): boolean => ['done', 'reset-after', 'hang-after'].includes(outcome);
const isOf =
  (operation: string) =>
  ({ action }: CloudCall): boolean =>
    action.endsWith(`:${operation}`);

interface Scaling {
  readonly minSize?: number;
  readonly maxSize?: number;
  readonly desiredSize?: number;
}

/**
 * An order never makes a group smaller, is the same one when it is repeated, and a new one after another: EKS would answer to an old
 * one that it has it already (R61). What is taken back costs nobody an instance.
 */
export function faultsOfOrders(all: readonly CloudCall[]): readonly string[] {
  const calls = all.filter(isOurs);
  const orders = calls.filter(isOf('UpdateNodegroupConfig'));
  const faults = [...Map.groupBy(orders, ({ caller, path }) => `${caller} ${path}`).values()].flatMap(faultsOfTokens);
  for (const call of orders) {
    const { minSize, maxSize, desiredSize } = scalingOf(call);
    const said = describeOrder(call);
    if (minSize === undefined || maxSize === undefined || desiredSize === undefined) {
      faults.push(`${said} leaves out what EKS then takes from elsewhere`);
      continue;
    }
    const group = call.found.find(({ name }) => call.path.includes(`/node-groups/${name}/`));
    if (!hadEffect(call) || group === undefined) continue;
    if (desiredSize < group.live.desired) faults.push(`${said} makes ${group.live.desired} smaller`);
    if (maxSize < group.live.max) faults.push(`${said} lowers the maximum ${group.live.max}`);
  }
  for (const { body, caller, found } of calls.filter(isOf('SetDesiredCapacity')).filter(hadEffect)) {
    const form = new URLSearchParams(body);
    const group = found.find(({ autoScalingGroup }) => autoScalingGroup === form.get('AutoScalingGroupName'));
    const desired = Number(form.get('DesiredCapacity'));
    if (group !== undefined && desired < Math.max(group.instances.length, group.live.min))
      faults.push(`${caller} wants ${desired} of ${group.instances.length} instances, minimum ${group.live.min}`);
  }
  return faults;
}

/** Of one run on one group: a token for each order. */
function faultsOfTokens(orders: readonly CloudCall[]): readonly string[] {
  const faults: string[] = [];
  const known = new Map<string | null, string>();
  let last: CloudCall | undefined;
  for (const call of orders) {
    const was = known.get(call.token);
    const isRepeated = last !== undefined && sizesOf(last) === sizesOf(call);
    if (isRepeated && last?.token !== call.token) faults.push(`${describeOrder(call)}, and before as ${last?.token}`);
    if (!isRepeated && was !== undefined) faults.push(`${describeOrder(call)}, which was ${was}`);
    known.set(call.token, sizesOf(call));
    last = call;
  }
  return faults;
}

const scalingOf = ({ body }: CloudCall): Scaling =>
  (JSON.parse(body) as { readonly scalingConfig?: Scaling }).scalingConfig ?? {};
const sizesOf = (call: CloudCall): string => JSON.stringify(scalingOf(call));
const describeOrder = (call: CloudCall): string => `${call.caller} ${sizesOf(call)} as ${call.token}`;

/** Each instance once, by a run that was asked for its node and has found it empty, and never under the minimum. */
export async function faultsOfTerminations({ cloud, lane }: Witnessed): Promise<readonly string[]> {
  const calls = cloud.calls.filter(isOurs).filter(isOf('TerminateInstanceInAutoScalingGroup')).filter(hadEffect);
  const faults: string[] = [];
  const gone = new Set<string>();
  for (const { body, caller, found } of calls) {
    const form = new URLSearchParams(body);
    const id = form.get('InstanceId') ?? '';
    const said = `${caller} has ended ${id}`;
    if (gone.has(id)) faults.push(`${said} twice`);
    gone.add(id);
    if (form.get('ShouldDecrementDesiredCapacity') !== 'true') faults.push(`${said}, and another one comes`);
    const group = found.find(({ instances }) => instances.includes(id));
    if (group === undefined) faults.push(`${said}, which went already`);
    else if (group.live.desired - 1 < group.live.min) faults.push(`${said} under the minimum`);
    faults.push(...(await emptiedBefore(lane, caller, id)).map((fault) => `${said}: ${fault}`));
  }
  return faults;
}

/** What the run's own history has against this termination. */
async function emptiedBefore({ temporal }: Lane, caller: string, id: string): Promise<readonly string[]> {
  const [workflowId = '', runId = ''] = caller.split('/');
  const { events } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
  const scheduled = new Map<string, { readonly name: string; readonly node: string }>();
  const [emptied, seenEmpty] = [new Set<string>(), new Set<string>()];
  let asked: DrainRequest | undefined;
  for (const event of events ?? []) {
    const started = event.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    if (started) asked = defaultPayloadConverter.fromPayload(started);
    const activity = event.activityTaskScheduledEventAttributes;
    const input = activity?.input?.payloads?.[0];
    if (input) {
      const name = activity?.activityType?.name ?? '';
      const { node } = defaultPayloadConverter.fromPayload<Partial<TerminationRequest>>(input);
      scheduled.set(String(event.eventId), { name, node: node?.name ?? '' });
      if (name === 'terminateNode' && node?.instanceId === id)
        return [
          ...(asked?.nodes.includes(node.name) === true ? [] : [`nobody asked for ${node.name}`]),
          ...(emptied.has(node.name) ? [] : [`${node.name} was not emptied`]),
          ...(seenEmpty.has(node.name) ? [] : [`${node.name} was not seen empty`]),
        ];
    }
    const done = event.activityTaskCompletedEventAttributes;
    const output = done?.result?.payloads?.[0];
    const of = scheduled.get(String(done?.scheduledEventId));
    if (!output || of === undefined) continue;
    const { kind, pods } =
      defaultPayloadConverter.fromPayload<{
        readonly kind?: string;
        readonly pods?: readonly unknown[];
      }>(output) ?? {};
    if (of.name === 'evictPods' && kind === 'empty') emptied.add(of.node);
    if (of.name === 'readTermination' && pods?.length === 0) seenEmpty.add(of.node);
  }
  return ['it is not in the history of this run'];
}
