import { failure } from '../../activities/failure.ts';
import type { Call, ReadOptions } from '../../activities/ports.ts';
import { isOnForKeda } from '../../domain/freeze.ts';
import type { Json } from '../../domain/json.ts';
import {
  GOVERNOR_FIELDS,
  MARKS,
  type AutoscalerFacts,
  type Governor,
  type GovernorKind,
  type WorkloadRef,
  type WorkloadState,
} from '../../domain/workload.ts';
import type { KubernetesClient, Session } from './client.ts';
import { gitOpsOwnerOf, writersOf } from './field-managers.ts';
import type { RawObject } from './kinds.ts';
import { FIELD_KEYS, MARK_KEYS } from './places.ts';
import { readRecommendation } from './recommendation.ts';
import { labelSelectorText } from './selectors.ts';
import { statefulFactsOf } from './stateful.ts';

const IGNORE = 'headroom.dev/ignore';

/** What the API server remembers answers at once; a consistent list proves first that it is fresh (R11). */
const REMEMBERED = { resourceVersion: '0' };

/** All that decides a workload's count, as it was read. */
export interface View {
  readonly workload: Workload;
  readonly autoscalers: readonly RawObject<'HorizontalPodAutoscaler'>[];
  readonly scaledObjects: readonly RawObject<'ScaledObject'>[];
  /** headroom's own namespace. */
  readonly own: RawObject<'Namespace'> | undefined;
  readonly clusterUid: string;
}

/**
 * Unless asked for what is remembered, by plain consistent reads: no resourceVersion, and nothing known beforehand but which
 * cluster it is and that KEDA is not installed (R11, R15).
 */
export async function readView(
  client: KubernetesClient,
  { ref, ownNamespace, remembered = false }: ReadOptions & { readonly ref: WorkloadRef; readonly ownNamespace: string },
  call: Call,
): Promise<View> {
  const { namespace } = ref;
  const asOf = remembered ? REMEMBERED : {};
  const [workload, autoscalers, listed, own] = await Promise.all([
    findWorkload(client, ref, call),
    client.list({ kind: 'HorizontalPodAutoscaler', namespace }, asOf, call),
    client.list({ kind: 'ScaledObject', namespace }, asOf, call),
    client.find({ kind: 'Namespace', name: ownNamespace }, call),
  ]);
  const isKedaAtWork = listed.length === 0 && autoscalers.some(({ metadata }) => isKedas(metadata));
  if (isKedaAtWork) client.expect('ScaledObject');
  const scaledObjects = isKedaAtWork ? await client.list({ kind: 'ScaledObject', namespace }, {}, call) : listed;
  // after them: had the connection failed meanwhile, what is known of the cluster would be older than what was read
  const clusterUid = await findClusterUid(client, call);
  return { workload, autoscalers, scaledObjects, own, clusterUid };
}

/** `versioned`: with what makes a change of it race against every edit since. */
export function stateOf(
  { workload, autoscalers, scaledObjects, own, clusterUid }: View,
  ref: WorkloadRef,
  { versioned = false } = {},
): WorkloadState {
  const ignored = isIgnored(workload.metadata) || isIgnored(own?.metadata);
  const governor = (kind: GovernorKind, { metadata, spec }: ReadObject, autoscaler?: AutoscalerFacts) =>
    asGovernor({ kind, ref, metadata, spec, ignored, versioned, ...(autoscaler !== undefined && { autoscaler }) });
  const ownedNames = new Set(scaledObjects.map(({ status }) => status?.hpaName).filter((name) => name !== undefined));
  const standalone = autoscalers.filter(({ metadata }) => !isKedas(metadata) && !ownedNames.has(metadata?.name ?? ''));
  return {
    ...asState(workload, ref),
    clusterUid,
    autoscalers: [
      ...standalone
        .filter(({ spec }) => isTarget(spec?.scaleTargetRef, ref))
        .map((one) => governor('horizontalPodAutoscaler', one, recommendationOf(one))),
      ...scaledObjects
        .filter(({ spec }) => isTarget(spec?.scaleTargetRef, ref))
        .map((one) => governor('scaledObject', one, scaledObjectFacts(one, autoscalers))),
    ],
    self: governor('workload', workload),
  };
}

export type Workload = RawObject<'Deployment'> | RawObject<'StatefulSet'>;
type Metadata = Workload['metadata'];
interface ReadObject {
  readonly metadata?: Metadata | undefined;
  readonly spec?: object;
}

const clusterUids = new WeakMap<Session, string>();

/** A cluster has no name of its own that it keeps: what stands for it is the uid of kube-system, which lives as long as it. */
async function findClusterUid(client: KubernetesClient, call: Call): Promise<string> {
  const session = client.session();
  const known = clusterUids.get(session);
  if (known !== undefined) return known;
  const found = await client.find({ kind: 'Namespace', name: 'kube-system' }, call);
  const uid = found?.metadata?.uid ?? '';
  if (uid !== '') clusterUids.set(session, uid);
  return uid;
}

export async function findWorkload(
  client: KubernetesClient,
  { kind, namespace, object }: WorkloadRef,
  call: Call,
): Promise<Workload> {
  const found = await client.find({ kind, namespace, name: object }, call);
  if (found !== undefined) return found;
  throw failure(
    'targetNotFound',
    `${kind} ${namespace}/${object} does not exist; ${await neighbours(client, { kind, namespace }, call)}`,
  );
}

/** What there is instead, for whoever mistyped a name. */
async function neighbours(
  client: KubernetesClient,
  { kind, namespace }: Pick<WorkloadRef, 'kind' | 'namespace'>,
  call: Call,
): Promise<string> {
  if ((await client.find({ kind: 'Namespace', name: namespace }, call)) === undefined)
    return `there is no namespace ${namespace}`;
  const names = (await client.list({ kind, namespace }, {}, call)).map(({ metadata }) => metadata?.name ?? '');
  if (names.length === 0) return `the namespace has no ${kind}`;
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  return `the namespace has ${names.slice(0, 10).join(', ')}${more}`;
}

function asState(workload: Workload, ref: WorkloadRef): Omit<WorkloadState, 'autoscalers' | 'self'> {
  const { metadata, spec, status } = workload;
  return {
    ref,
    uid: metadata?.uid ?? '',
    generation: metadata?.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    paused: spec !== undefined && 'paused' in spec && (spec.paused ?? false),
    wantedReplicas: spec?.replicas ?? 1,
    replicas: status?.replicas ?? 0,
    updatedReplicas: status?.updatedReplicas ?? 0,
    readyReplicas: status?.readyReplicas ?? 0,
    availableReplicas: status?.availableReplicas ?? 0,
    terminatingReplicas:
      status !== undefined && 'terminatingReplicas' in status ? (status.terminatingReplicas ?? 0) : 0,
    conditions: (status?.conditions ?? []).map(({ type, status, reason = '', message = '' }) => ({
      type,
      status,
      reason,
      message,
    })),
    ...rolledOut(status?.conditions ?? []),
    selector: labelSelectorText(spec?.selector),
    ...(ref.kind === 'StatefulSet' && { stateful: statefulFactsOf(workload) }),
  };
}

/** A pure scaling leaves the condition as the last rollout left it (R37). */
function rolledOut(
  conditions: readonly { readonly type: string; readonly reason?: string; readonly lastUpdateTime?: Date }[],
): Pick<WorkloadState, 'rolledOutAtMs'> {
  const done = conditions.find(({ type, reason }) => type === 'Progressing' && reason === 'NewReplicaSetAvailable');
  return done?.lastUpdateTime === undefined ? {} : { rolledOutAtMs: new Date(done.lastUpdateTime).getTime() };
}

function asGovernor({
  kind,
  ref,
  metadata,
  spec,
  ignored,
  versioned,
  autoscaler,
}: {
  readonly kind: GovernorKind;
  readonly ref: WorkloadRef;
  readonly metadata: Metadata;
  readonly spec: object | undefined;
  readonly ignored: boolean;
  readonly versioned: boolean;
  readonly autoscaler?: AutoscalerFacts;
}): Governor {
  const gitOps = gitOpsOwnerOf(kind, ref, metadata);
  return {
    kind,
    workloadKind: ref.kind,
    namespace: ref.namespace,
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    ...(versioned && { version: metadata?.resourceVersion ?? '' }),
    hasAnnotations: metadata?.annotations !== undefined,
    hasLabels: metadata?.labels !== undefined,
    ...heldPartsOf(kind, { metadata, ...(spec !== undefined && { spec }) }),
    ignored: ignored || isIgnored(metadata),
    ...(autoscaler !== undefined && { autoscaler }),
    ...(gitOps !== undefined && { gitOps }),
  };
}

/** What a hold may touch and what it writes beside it, and who wrote there last. */
export function heldPartsOf(
  kind: GovernorKind,
  { metadata, spec }: ReadObject,
): Pick<Governor, 'fields' | 'marks' | 'writers'> {
  const maps: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
    spec: { ...spec },
    annotations: metadata?.annotations ?? {},
  };
  const found = GOVERNOR_FIELDS.map((field) => {
    const at = FIELD_KEYS[kind][field];
    return [field, at === undefined ? undefined : maps[at.map]?.[at.key]] as const;
  });
  const marks = MARKS.map((mark) => [mark, metadata?.[MARK_KEYS[mark].map]?.[MARK_KEYS[mark].key]] as const);
  const writers = writersOf(kind, metadata);
  return {
    fields: Object.fromEntries(found.filter(([, value]) => value !== undefined)),
    marks: Object.fromEntries(marks.filter(([, value]) => value !== undefined)),
    ...(writers.length > 0 && { writers }),
  };
}

/** What stops KEDA from acting on a ScaledObject, its idle count, and the HPA that it made (R21, R22). */
function scaledObjectFacts(
  { metadata, spec, status }: RawObject<'ScaledObject'>,
  autoscalers: readonly RawObject<'HorizontalPodAutoscaler'>[],
): AutoscalerFacts {
  const paused = pauseOf(metadata?.annotations ?? {});
  const made = autoscalers.find(
    (one) =>
      one.metadata?.name === status?.hpaName ||
      (one.metadata?.ownerReferences ?? []).some(({ uid }) => uid === metadata?.uid),
  );
  // KEDA copies the ScaledObject's labels over its own: a chart's version of the application is none of KEDA's
  const isOwners = metadata?.labels?.[VERSION] !== undefined;
  const version = isOwners ? undefined : made?.metadata?.labels?.[VERSION];
  const { idleReplicaCount } = spec ?? {};
  return {
    ...(paused !== undefined && { paused }),
    ...(idleReplicaCount !== undefined && { idleReplicas: idleReplicaCount }),
    ...(version !== undefined && { version }),
    ...(made !== undefined && recommendationOf(made)),
    inForce: made === undefined ? null : inForceOf(made),
  };
}

const VERSION = 'app.kubernetes.io/version';

function recommendationOf(autoscaler: RawObject<'HorizontalPodAutoscaler'>): Pick<AutoscalerFacts, 'recommended'> {
  const recommended = readRecommendation(autoscaler);
  return recommended === undefined ? {} : { recommended };
}

function inForceOf({ spec }: RawObject<'HorizontalPodAutoscaler'>) {
  const frozen = spec?.behavior?.scaleDown?.selectPolicy === 'Disabled';
  return { floor: spec?.minReplicas ?? 1, ceiling: spec?.maxReplicas ?? 0, frozen };
}

/** A count pauses whatever it says, also "false" (R21). */
function pauseOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const { 'autoscaling.keda.sh/paused-replicas': count, 'autoscaling.keda.sh/paused': paused } = annotations;
  if (count !== undefined) return `autoscaling.keda.sh/paused-replicas=${count}`;
  return paused !== undefined && isOnForKeda(paused) ? `autoscaling.keda.sh/paused=${paused}` : undefined;
}

function isIgnored(metadata: Metadata): boolean {
  return metadata?.annotations?.[IGNORE] === 'true';
}

/** KEDA rewrites the HPA that it made: the ScaledObject is the governor (R19). */
export function isKedas(metadata: Metadata): boolean {
  return (metadata?.ownerReferences ?? []).some(
    ({ kind, apiVersion, controller }) =>
      kind === 'ScaledObject' && apiVersion.startsWith('keda.sh/') && controller === true,
  );
}

interface TargetRef {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
}
/** KEDA's kind defaults to Deployment, its apiVersion to apps/v1; the version says nothing about which object it is. */
export function isTarget(target: TargetRef | undefined, ref: WorkloadRef): boolean {
  const { apiVersion = 'apps/v1', kind = 'Deployment', name } = target ?? {};
  return name === ref.object && kind === ref.kind && apiVersion.split('/')[0] === 'apps';
}
