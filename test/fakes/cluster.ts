import { isFrozen, isOnForKeda } from '../../domain/freeze.ts';
import { failure } from '../../activities/failure.ts';
import type { Call, ReadOptions, WorkloadPort } from '../../activities/ports.ts';
import type { ClusterCapacity } from '../../domain/cluster-capacity.ts';
import type { FailureType } from '../../domain/failures.ts';
import { findGitOpsOwner } from '../../domain/git-ops.ts';
import { sameJson, type Json } from '../../domain/json.ts';
import type { PodFacts } from '../../domain/pod-facts.ts';
import type { Condition, MetricsApi, ObservedAutoscaler, Stop } from '../../domain/scaling-facts.ts';
import type { Spec } from '../../domain/settings.ts';
import type { QuotaFacts } from '../../domain/quota.ts';
import type { PodTrouble } from '../../domain/troubles.ts';
import {
  MARKS,
  type AutoscalerFacts,
  type FieldWriter,
  type Governor,
  type GovernorChange,
  type GovernorField,
  type GovernorKind,
  type GovernorMarks,
  type StatefulFacts,
  type WorkloadRef,
  type WorkloadState,
} from '../../domain/workload.ts';

type Method = keyof WorkloadPort;
type Texts = Readonly<Record<string, string>>;
type Fields = { readonly [field in GovernorField]?: Json };
type AutoscalerKind = Exclude<GovernorKind, 'workload'>;
type Capacity = Awaited<ReturnType<WorkloadPort['readCapacity']>>;

/** Names one governor of the fake; a workload is a Deployment unless it says otherwise. */
export type GovernorId = Pick<Governor, 'kind' | 'namespace' | 'name'> & Partial<Pick<Governor, 'workloadKind'>>;

interface StoredGovernor {
  readonly kind: GovernorKind;
  readonly ref: WorkloadRef;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly fields: Fields;
  /** The rest of its spec, by its keys. */
  readonly spec?: Spec;
  /** As in Kubernetes: absent rather than empty. */
  readonly annotations: Texts | undefined;
  readonly labels: Texts | undefined;
  /** KEDA's own HPA. */
  readonly owned: boolean;
  /** Of a StatefulSet. */
  readonly stateful?: StatefulFacts | undefined;
  readonly idleReplicas?: number | undefined;
  readonly writers?: readonly FieldWriter[];
  /** Who wrote an annotation last, by its key. */
  readonly annotators?: { readonly [key: string]: NonNullable<Stop['by']> };
  readonly conditions?: readonly Condition[];
}
interface StoredCounts {
  readonly replicas: number;
  readonly available: number;
}

/** What goes wrong at the nth call of a method, counted from now. */
export interface Weather {
  readonly method: Method;
  readonly call: number;
  readonly type: FailureType;
  /** The work is done and only its answer is lost. */
  readonly afterwards?: boolean;
  readonly retryAfterMs?: number;
}

/** What `held` in marks is called on the object. The rest are annotations `headroom.dev/<word>`. */
const MARK_KEYS: { readonly [mark in keyof GovernorMarks]-?: string } = {
  baseline: 'headroom.dev/baseline',
  claims: 'headroom.dev/claims',
  generation: 'headroom.dev/generation',
  windDown: 'headroom.dev/wind-down',
  held: 'headroom.dev/held',
};

/** A cluster in memory behind the WorkloadPort: as strict as the API server where test/contracts looks, and with weather. */
export class FakeCluster implements WorkloadPort {
  /** An HPA or KEDA lifts the count to its floor, and clamps it to its ceiling, at every write and read. */
  followsFloors = true;
  /** New pods become available at once; set `available` by hand otherwise (setAvailable). */
  startsPods = true;
  /** headroom.dev/ignore on headroom's own namespace. */
  ignoresEverything = false;
  /** By the object's name: what readTroubles answers. */
  readonly troubles = new Map<string, readonly PodTrouble[]>();
  capacity: Capacity = roomy();
  metricsApis: readonly MetricsApi[] = [{ group: 'metrics.k8s.io', available: true, reason: '' }];
  /** Every call in its order, with its caller. */
  readonly calls: { readonly method: Method; readonly caller: string }[] = [];
  /** Every change that was written, in its order: the audit log. */
  readonly written: GovernorChange[] = [];

  #governors: readonly StoredGovernor[] = [];
  readonly #counts = new Map<string, StoredCounts>();
  readonly #weather: Weather[] = [];
  readonly #races: ((cluster: FakeCluster) => void)[] = [];
  readonly #remembered = new Map<string, WorkloadState>();
  #uids = 0;

  addWorkload(given: {
    readonly name: string;
    readonly object?: string;
    readonly namespace?: string;
    readonly kind?: WorkloadRef['kind'];
    readonly replicas: number;
    readonly annotations?: Texts;
    readonly labels?: Texts;
    readonly stateful?: Partial<Omit<StatefulFacts, 'labels'>>;
  }): WorkloadRef {
    const { name, object = name, namespace = 'tensafe', kind = 'Deployment', replicas } = given;
    const ref: WorkloadRef = { name, namespace, kind, object };
    this.#store({
      kind: 'workload',
      ref,
      name: object,
      fields: { floor: replicas },
      annotations: given.annotations,
      labels: given.labels,
      owned: false,
      stateful:
        kind === 'StatefulSet'
          ? { ...PLAIN_SET, ...given.stateful, labels: { app: object, ...given.labels } }
          : undefined,
    });
    this.#counts.set(keyOf(ref), { replicas, available: replicas });
    return ref;
  }

  addAutoscaler(given: {
    readonly kind: AutoscalerKind;
    readonly name: string;
    readonly target: WorkloadRef;
    readonly floor?: number;
    readonly ceiling?: number;
    readonly annotations?: Texts;
    readonly labels?: Texts;
    /** Made by KEDA for a ScaledObject. */
    readonly owned?: boolean;
    /** KEDA's idleReplicaCount. */
    readonly idleReplicas?: number;
  }): void {
    const { kind, name, target, floor, ceiling, owned = false, idleReplicas } = given;
    const fields = { ...(floor !== undefined && { floor }), ...(ceiling !== undefined && { ceiling }) };
    this.#store({
      kind,
      ref: target,
      name,
      fields,
      annotations: given.annotations,
      labels: given.labels,
      owned,
      idleReplicas,
    });
  }

  remove(id: GovernorId): void {
    const found = this.#get(id);
    this.#governors = this.#governors.filter((one) => one !== found);
  }

  /** Somebody else edits a field; undefined removes the key. */
  setField(id: GovernorId, field: GovernorField, value: Json | undefined, manager = 'somebody'): void {
    const by = { field, manager, atMs: Date.now() };
    this.#edit(id, (one) => ({
      ...one,
      fields: withKey(one.fields, field, value),
      writers: [...(one.writers ?? []).filter((writer) => writer.field !== field), by],
    }));
    this.#settle();
  }

  /** Somebody else edits the rest of the spec; undefined removes the key. */
  setSpec(id: GovernorId, key: string, value: Json | undefined): void {
    this.#edit(id, (one) => ({ ...one, spec: withKey(one.spec ?? {}, key, value) }));
  }

  annotate(id: GovernorId, key: string, value: string | undefined): void {
    this.#edit(id, (one) => ({
      ...one,
      annotations: asMap(withKey(one.annotations ?? {}, key, value)),
      annotators: { ...one.annotators, [key]: { manager: 'somebody', atMs: Date.now() } },
    }));
  }

  /** What the autoscaler says of itself from now on. */
  setConditions(id: GovernorId, conditions: readonly Condition[]): void {
    this.#edit(id, (one) => ({ ...one, conditions }));
  }

  setAvailable(ref: WorkloadRef, available: number): void {
    const counts = this.#countsOf(ref);
    this.#counts.set(keyOf(ref), { ...counts, available });
  }

  /** The object as it is stored, to be compared whole. */
  snapshot(id: GovernorId): Json {
    const { uid, fields, spec = {}, annotations = null, labels = null } = this.#get(id);
    return { uid, fields: fields as { readonly [key: string]: Json }, spec, annotations, labels };
  }

  /** Runs just before the next write is looked at: the moment in which races happen. */
  raceNextWrite(by: (cluster: FakeCluster) => void): void {
    this.#races.push(by);
  }

  brew(weather: Weather): void {
    this.#weather.push({
      ...weather,
      call: weather.call + this.calls.filter(({ method }) => method === weather.method).length,
    });
  }

  /** From now on the workload is remembered as it is now, and no news of it. */
  lagBehind(ref: WorkloadRef): void {
    this.#remembered.set(keyOf(ref), this.#versioned(this.#state(ref)));
  }

  async readWorkload(ref: WorkloadRef, call: Call, { remembered = false }: ReadOptions = {}): Promise<WorkloadState> {
    return this.#serve('readWorkload', call, () => {
      const state = this.#state(ref);
      if (!remembered) return state;
      return this.#remembered.get(keyOf(ref)) ?? this.#versioned(state);
    });
  }

  async changeGovernor(change: GovernorChange, call: Call): Promise<'written' | 'raced'> {
    return this.#serve('changeGovernor', call, () => {
      this.#races.shift()?.(this);
      return this.#change(change);
    });
  }

  async findHeld(refs: readonly WorkloadRef[], call: Call): Promise<readonly string[]> {
    return this.#serve('findHeld', call, () =>
      refs
        .filter((ref) =>
          this.#governors.some(
            (one) => !one.owned && keyOf(one.ref) === keyOf(ref) && one.labels?.['headroom.dev/held'] === 'true',
          ),
        )
        .map(({ name }) => name),
    );
  }

  async readAutoscalers(namespace: string, call: Call): Promise<readonly ObservedAutoscaler[]> {
    return this.#serve('readAutoscalers', call, () =>
      this.#governors.flatMap((one) => {
        if (one.kind === 'workload' || one.namespace !== namespace) return [];
        const scaledObject = one.owned
          ? this.#autoscalersOf(one.ref).find(({ kind }) => kind === 'scaledObject')
          : undefined;
        return [observed(one, one.kind, scaledObject?.name)];
      }),
    );
  }

  async readMetricsApis(call: Call): Promise<readonly MetricsApi[]> {
    return this.#serve('readMetricsApis', call, () => this.metricsApis);
  }

  async readTroubles(ref: WorkloadRef, call: Call): Promise<readonly PodTrouble[]> {
    return this.#serve('readTroubles', call, () => {
      this.#workload(ref);
      return this.troubles.get(ref.object) ?? [];
    });
  }

  async readCapacity(ref: WorkloadRef, call: Call): Promise<Capacity> {
    return this.#serve('readCapacity', call, () => {
      this.#workload(ref);
      return this.capacity;
    });
  }

  async #serve<T>(method: Method, { signal, caller }: Call, act: () => T): Promise<T> {
    signal.throwIfAborted();
    this.calls.push({ method, caller });
    const count = this.calls.filter((one) => one.method === method).length;
    const storm = this.#weather.find((one) => one.method === method && one.call === count);
    const refuse = () =>
      failure(
        storm?.type ?? 'apiUnavailable',
        `the fake's weather at ${method} ${count}`,
        storm?.retryAfterMs === undefined ? {} : { retryAfterMs: storm.retryAfterMs },
      );
    // what crosses a real port is a turn of the event loop away
    await Promise.resolve();
    if (storm !== undefined && storm.afterwards !== true) throw refuse();
    const answer = act();
    if (storm !== undefined) throw refuse();
    return answer;
  }

  #state(ref: WorkloadRef): WorkloadState {
    const workload = this.#workload(ref);
    this.#settle();
    const { replicas, available } = this.#countsOf(ref);
    const ignored = this.ignoresEverything || isIgnored(workload);
    return {
      ref,
      uid: workload.uid,
      clusterUid: 'uid-of-the-fake',
      generation: 1,
      observedGeneration: 1,
      paused: false,
      wantedReplicas: asCount(this.#workload(ref).fields.floor) ?? 1,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: available,
      availableReplicas: available,
      terminatingReplicas: 0,
      conditions: [],
      selector: `app=${ref.object}`,
      ...(workload.stateful !== undefined && { stateful: workload.stateful }),
      autoscalers: this.#autoscalersOf(ref).map((one) => asGovernor(one, ignored)),
      self: asGovernor(this.#workload(ref), ignored),
    };
  }

  #versioned(state: WorkloadState): WorkloadState {
    const versioned = (one: Governor) => ({ ...one, version: versionOf(this.#get(one)) });
    return { ...state, self: versioned(state.self), autoscalers: state.autoscalers.map(versioned) };
  }

  #change(change: GovernorChange): 'written' | 'raced' {
    const unknown = change.fields.find(({ field }) => change.kind === 'workload' && field === 'ceiling');
    if (unknown !== undefined) throw failure('invalidRequest', `a ${change.kind} has no ${unknown.field} to change`);
    const found = this.#governors.find((one) => isSame(one, change));
    if (found === undefined || !isAsRead(found, change)) return 'raced';
    const rival = this.#autoscalersOf(found.ref).find((one) => one !== found);
    // KEDA's webhook looks at every write (R20); nothing looks at an HPA
    if (found.kind === 'scaledObject' && rival !== undefined)
      throw failure('stateConflict', `the workload '${found.ref.object}' is already managed by '${rival.name}'`);
    const next = applied(found, change);
    const [floor, ceiling] = [asCount(next.fields.floor), asCount(next.fields.ceiling)];
    if (floor !== undefined && ceiling !== undefined && floor > ceiling) {
      throw failure('invalidRequest', `${change.name}: the floor ${floor} is above the ceiling ${ceiling}`);
    }
    this.#replace(found, next);
    this.written.push(change);
    this.#settle();
    return 'written';
  }

  /** What the controllers do: each autoscaler clamps the count, of two that stop each other too (R20), and pods follow the count. */
  #settle(): void {
    if (this.followsFloors)
      for (const one of this.#governors) if (one.kind !== 'workload' && !one.owned) this.#clamp(one);
    for (const { kind, ref, fields } of this.#governors) {
      if (kind !== 'workload') continue;
      const replicas = asCount(fields.floor) ?? 1;
      const { available } = this.#countsOf(ref);
      this.#counts.set(keyOf(ref), { replicas, available: this.startsPods ? replicas : Math.min(available, replicas) });
    }
  }

  #clamp({ kind, ref, fields }: StoredGovernor): void {
    const workload = this.#governors.find((one) => one.kind === 'workload' && keyOf(one.ref) === keyOf(ref));
    const count = asCount(workload?.fields.floor) ?? 1;
    // at 0 replicas an HPA sleeps (R18)
    if (workload === undefined || (count === 0 && kind === 'horizontalPodAutoscaler')) return;
    const clamped = Math.max(asCount(fields.floor) ?? 0, Math.min(asCount(fields.ceiling) ?? count, count));
    this.#replace(workload, { ...workload, fields: { ...workload.fields, floor: clamped } });
  }

  #autoscalersOf(ref: WorkloadRef): readonly StoredGovernor[] {
    return this.#governors.filter((one) => one.kind !== 'workload' && !one.owned && keyOf(one.ref) === keyOf(ref));
  }

  #workload(ref: WorkloadRef): StoredGovernor {
    const inNamespace = this.#governors.filter(
      (one) => one.kind === 'workload' && one.namespace === ref.namespace && one.ref.kind === ref.kind,
    );
    const found = inNamespace.find((one) => one.name === ref.object);
    if (found !== undefined) return found;
    const names = inNamespace.map(({ name }) => name).slice(0, 10);
    const instead =
      names.length === 0 ? `there is no namespace ${ref.namespace}` : `the namespace has ${names.join(', ')}`;
    throw failure('targetNotFound', `${ref.kind} ${ref.namespace}/${ref.object} does not exist; ${instead}`);
  }

  #countsOf(ref: WorkloadRef): StoredCounts {
    return this.#counts.get(keyOf(ref)) ?? { replicas: 0, available: 0 };
  }

  #get(id: GovernorId): StoredGovernor {
    const found = this.#governors.find((one) => isSame(one, id));
    if (found === undefined) throw new Error(`the fake has no ${id.kind} ${id.namespace}/${id.name}`);
    return found;
  }

  #edit(id: GovernorId, edit: (one: StoredGovernor) => StoredGovernor): void {
    const found = this.#get(id);
    this.#replace(found, edit(found));
  }

  #replace(old: StoredGovernor, next: StoredGovernor): void {
    this.#governors = this.#governors.map((one) => (one === old ? next : one));
  }

  #store(governor: Omit<StoredGovernor, 'uid' | 'namespace'>): void {
    this.#uids += 1;
    this.#governors = [
      ...this.#governors,
      { ...governor, namespace: governor.ref.namespace, uid: `uid-${this.#uids}` },
    ];
  }
}

function asGovernor(one: StoredGovernor, ignored: boolean): Governor {
  const { kind, ref, namespace, name, uid, fields, annotations, labels } = one;
  const marks = MARKS.map((mark) => [mark, (mark === 'held' ? labels : annotations)?.[MARK_KEYS[mark]]] as const);
  const gitOps = findGitOpsOwner({
    groupKind: kind === 'workload' ? `apps/${ref.kind}` : GROUP_KINDS[kind],
    namespace,
    name,
    labels: labels ?? {},
    annotations: annotations ?? {},
    managers: (one.writers ?? []).map(({ manager }) => manager),
  });
  return {
    kind,
    workloadKind: ref.kind,
    namespace,
    name,
    uid,
    fields,
    hasAnnotations: annotations !== undefined,
    hasLabels: labels !== undefined,
    marks: Object.fromEntries(marks.filter(([, value]) => value !== undefined)),
    ignored: ignored || isIgnored(one),
    ...(kind !== 'workload' && { autoscaler: factsOf(one) }),
    ...(one.writers !== undefined && { writers: one.writers }),
    ...(gitOps !== undefined && { gitOps }),
  };
}

/** As the adapter tells it; what a ScaledObject's HPA says would be said by that one. */
function observed(one: StoredGovernor, kind: AutoscalerKind, madeFor: string | undefined): ObservedAutoscaler {
  const { namespace, name, uid, fields, marks, writers } = asGovernor(one, false);
  return {
    kind,
    namespace,
    name,
    uid,
    fields,
    marks,
    ...(writers !== undefined && { writers }),
    target: { kind: one.ref.kind, name: one.ref.object },
    spec: { ...specOf(kind, fields), ...one.spec },
    conditions: one.conditions ?? WELL[kind],
    metricsFrom: [kind === 'scaledObject' ? 'external.metrics.k8s.io' : 'metrics.k8s.io'],
    stops: stopsOf(one),
    ...(madeFor !== undefined && { madeFor }),
  };
}
const SPEC_KEYS = {
  horizontalPodAutoscaler: { floor: 'minReplicas', ceiling: 'maxReplicas', freeze: 'behavior' },
  scaledObject: { floor: 'minReplicaCount', ceiling: 'maxReplicaCount', freeze: undefined },
} as const;
function specOf(kind: AutoscalerKind, { floor, ceiling, freeze }: Fields): Spec {
  const keys = SPEC_KEYS[kind];
  return {
    ...(floor !== undefined && { [keys.floor]: floor }),
    ...(ceiling !== undefined && { [keys.ceiling]: ceiling }),
    ...(freeze !== undefined && keys.freeze !== undefined && { [keys.freeze]: freeze }),
  };
}
function stopsOf(one: StoredGovernor): readonly Stop[] {
  const { kind, fields, annotations = {}, annotators = {}, writers = [] } = one;
  const freezer = writers.findLast(({ field }) => field === 'freeze');
  const by = freezer === undefined ? {} : { by: { manager: freezer.manager, atMs: freezer.atMs } };
  if (kind !== 'scaledObject')
    return isFrozen(one) ? [{ key: 'spec.behavior.scaleDown.selectPolicy', value: 'Disabled', ...by }] : [];
  const { freeze } = fields;
  return [
    ...(typeof freeze === 'string' ? [{ key: 'autoscaling.keda.sh/paused-scale-in', value: freeze, ...by }] : []),
    ...Object.entries(annotations)
      .filter(([key]) => key.startsWith('autoscaling.keda.sh/paused'))
      .map(([key, value]) => ({ key, value, ...(annotators[key] !== undefined && { by: annotators[key] }) })),
  ];
}
const said = (type: string, reason: string): Condition => ({ type, status: 'True', reason, message: '' });
const WELL: { readonly [kind in AutoscalerKind]: readonly Condition[] } = {
  horizontalPodAutoscaler: [said('AbleToScale', 'ReadyForNewScale'), said('ScalingActive', 'ValidMetricFound')],
  scaledObject: [said('Ready', 'ScaledObjectReady'), said('Active', 'ScalerActive')],
};

/** What a StatefulSet is that says nothing of it. */
const PLAIN_SET: Omit<StatefulFacts, 'labels'> = {
  images: ['registry.k8s.io/pause:3.10'],
  ordered: true,
  whenScaled: 'Retain',
  claims: [],
  firstOrdinal: 0,
};
const GROUP_KINDS = {
  horizontalPodAutoscaler: 'autoscaling/HorizontalPodAutoscaler',
  scaledObject: 'keda.sh/ScaledObject',
};

/** KEDA follows at once here, unless it is paused. */
function factsOf(one: StoredGovernor): AutoscalerFacts {
  const { kind, fields, annotations = {}, labels = {}, idleReplicas } = one;
  if (kind !== 'scaledObject') return {};
  const paused = PAUSES.find(([key, isOn]) => annotations[key] !== undefined && isOn(annotations[key]))?.[0];
  const [floor, ceiling] = [Math.max(1, asCount(fields.floor) ?? 0), asCount(fields.ceiling) ?? 100];
  // KEDA's own label stands on an HPA that a pause deletes, and under the owner's of the same name
  const tellsVersion = paused === undefined && labels['app.kubernetes.io/version'] === undefined;
  return {
    ...(paused !== undefined && { paused: `${paused}=${annotations[paused]}` }),
    ...(idleReplicas !== undefined && { idleReplicas }),
    ...(tellsVersion && { version: '2.20.2' }),
    inForce: paused === undefined ? { floor, ceiling, frozen: isFrozen(one) } : null,
  };
}
const PAUSES = [
  ['autoscaling.keda.sh/paused-replicas', () => true],
  ['autoscaling.keda.sh/paused', isOnForKeda],
] as const;

/** Another one after every edit. */
function versionOf(one: StoredGovernor): string {
  return JSON.stringify(one);
}

/** Everything that was read is still so: what the API server checks with `test`. */
function isAsRead(one: StoredGovernor, change: GovernorChange): boolean {
  const { marks } = asGovernor(one, false);
  const touches = (label: boolean) => change.marks.some(({ mark }) => (mark === 'held') === label);
  return (
    one.uid === change.uid &&
    (change.version === undefined || change.version === versionOf(one)) &&
    change.fields.every(({ field, from }) => sameJson(one.fields[field], from)) &&
    (change.spec ?? []).every(({ key, from }) => sameJson(one.spec?.[key], from)) &&
    change.marks.every(({ mark, from }) => marks[mark] === from) &&
    (!touches(false) || (one.annotations !== undefined) === change.hasAnnotations) &&
    (!touches(true) || (one.labels !== undefined) === change.hasLabels)
  );
}

function applied(one: StoredGovernor, { fields, spec = [], marks }: GovernorChange): StoredGovernor {
  const nextSpec = spec.reduce((all, { key, to }) => withKey(all, key, to), one.spec ?? {});
  const nextFields = fields.reduce((all, { field, to }) => withKey(all, field, to), one.fields);
  const edit = (map: Texts | undefined, label: boolean) =>
    asMap(
      marks
        .filter(({ mark }) => (mark === 'held') === label)
        .reduce((all, { mark, to }) => withKey(all, MARK_KEYS[mark], to), map ?? {}),
    );
  const written = fields.map(({ field }) => ({ field, manager: 'headroom', atMs: Date.now() }));
  const others = (one.writers ?? []).filter((writer) => !written.some(({ field }) => field === writer.field));
  return {
    ...one,
    fields: nextFields,
    spec: nextSpec,
    writers: [...others, ...written],
    annotations: edit(one.annotations, false),
    labels: edit(one.labels, true),
  };
}

function withKey<Value>(
  map: Readonly<Record<string, Value>>,
  key: string,
  value: Value | undefined,
): Readonly<Record<string, Value>> {
  const { [key]: _, ...rest } = map;
  return value === undefined ? rest : { ...rest, [key]: value };
}

/** Kubernetes drops a map with its last key (R29). */
function asMap(map: Texts): Texts | undefined {
  return Object.keys(map).length === 0 ? undefined : map;
}

function isSame(one: StoredGovernor, { kind, namespace, name, workloadKind = 'Deployment' }: GovernorId): boolean {
  if (one.kind !== kind || one.namespace !== namespace || one.name !== name) return false;
  return kind !== 'workload' || one.ref.kind === workloadKind;
}
function isIgnored({ annotations }: StoredGovernor): boolean {
  return annotations?.['headroom.dev/ignore'] === 'true';
}
function asCount(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
function keyOf({ namespace, kind, object }: WorkloadRef): string {
  return `${kind} ${namespace}/${object}`;
}

/** Room for hundreds of small pods, and no quota. */
function roomy(): Capacity {
  const pod: PodFacts = {
    requests: { cpu: '100m', memory: '128Mi' },
    limits: {},
    unstated: [],
    refusals: [],
    bestEffort: false,
    priorityClass: '',
    deadline: false,
    crossNamespaceAffinity: false,
    nodeSelector: {},
    tolerations: [],
    apart: [],
    spread: [],
  };
  const node = {
    name: 'node-1',
    labels: {},
    taints: [],
    schedulable: true,
    ready: true,
    allocatable: { cpu: '1000', memory: '1000Gi', pods: '1000' },
    requested: {},
    podCount: 0,
    ownPods: 0,
  };
  const cluster: ClusterCapacity = { nodes: [node], unplacedPods: 0 };
  const quotas: readonly QuotaFacts[] = [];
  return { pod, quotas, cluster };
}
