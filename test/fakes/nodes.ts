import type { Call, EvictionPort, NodePort, NodeView } from '../../activities/ports.ts';
import { judgeReply, type EvictionAnswer, type EvictionReply } from '../../domain/eviction-answer.ts';
import type { Budget, NodePod, PodOwner, PodRef } from '../../domain/eviction.ts';
import { instanceIdOf, type CordonMark, type NodeIdentity, type NodeState } from '../../domain/gpu-node.ts';
import { selects, type LabelSelector } from '../../domain/label-selector.ts';
import type { NodeAutoscaler } from '../../domain/node-autoscaler.ts';

interface StoredNode {
  readonly state: NodeState;
  readonly mark: CordonMark | null;
}
type StoredBudget = Omit<Budget, 'version' | 'disruptedPods' | 'isObserved'>;

/** Nodes, their pods and disruption budgets in memory, with the Eviction API in front of them. */
export class FakeNodes implements NodePort, EvictionPort {
  readonly #nodes = new Map<string, StoredNode>();
  readonly #pods = new Map<string, { readonly node: string; readonly pod: NodePod }>();
  readonly #budgets = new Map<
    string,
    StoredBudget & { readonly version: number; readonly disrupted: readonly string[] }
  >();
  readonly #watchers = new Set<{ readonly node: string; readonly see: (view: NodeView) => void }>();
  #made = 0;
  /** What the next evictions are answered, whatever is there; then it is itself again. */
  readonly answers: EvictionAnswer[] = [];
  readonly evictions: (PodRef & { readonly caller: string })[] = [];
  nodeAutoscaler: NodeAutoscaler = { kind: 'absent' };
  /** Lists that were asked for. */
  lists = 0;
  /** The most evictions that were waiting for their answer at one time. */
  mostAtOnce = 0;
  #waiting = 0;
  /** Told of each pod that has gone: the place for its controller, and for the budget that counts again. */
  onGone: (pod: NodePod) => void = () => {};

  addNode(name: string, given: Partial<NodeState> = {}): NodeIdentity {
    const number = (this.#made += 1);
    const instanceId = `i-0${number.toString(16).padStart(4, '0')}`;
    const state: NodeState = {
      name,
      uid: `node-${number}`,
      providerId: `aws:///us-east-1a/${instanceId}`,
      labels: {},
      annotations: {},
      taints: [],
      schedulable: true,
      ready: true,
      allocatable: {},
      createdAtMs: 0,
      ...given,
    };
    this.#nodes.set(name, { state, mark: null });
    this.#changed();
    return { name, uid: state.uid, instanceId };
  }

  removeNode(name: string): void {
    this.#nodes.delete(name);
    this.#changed();
  }

  /** What `kubectl cordon` and `uncordon` do. */
  setSchedulable(name: string, schedulable: boolean): void {
    const node = this.#node(name);
    this.#nodes.set(name, { ...node, state: schedulable ? uncordoned(node.state) : cordoned(node.state, 'kubectl') });
    this.#changed();
  }

  addPod(node: string, given: Partial<NodePod> = {}): NodePod {
    const number = (this.#made += 1);
    const pod: NodePod = {
      namespace: 'shop',
      name: `web-${number}`,
      uid: `pod-${number}`,
      labels: { app: 'web' },
      phase: 'Running',
      ready: true,
      owner: { kind: 'ReplicaSet', name: 'web', uid: 'rs-web' },
      mirror: false,
      deleting: false,
      finalizers: [],
      ...given,
    };
    this.#pods.set(pod.uid, { node, pod });
    this.#changed();
    return pod;
  }

  changePod(uid: string, to: Partial<NodePod>): void {
    const stored = this.#pods.get(uid);
    if (stored === undefined) return;
    this.#pods.set(uid, { ...stored, pod: { ...stored.pod, ...to } });
    this.#changed();
    if (this.#pods.get(uid)?.pod.deleting === true) this.#end(uid);
  }

  addBudget(name: string, given: Partial<StoredBudget> = {}): void {
    const selector: LabelSelector = { matchLabels: { app: 'web' }, matchExpressions: [] };
    const counts = { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 };
    const budget = { namespace: 'shop', name, selector, ...counts, allowsUnready: false, ...given };
    this.#budgets.set(name, { ...budget, version: 1, disrupted: [] });
    this.#changed();
  }

  removeBudget(name: string): void {
    this.#budgets.delete(name);
    this.#changed();
  }

  /** As its controller counts anew. */
  allow(name: string, disruptionsAllowed: number): void {
    const budget = this.#budgets.get(name);
    if (budget === undefined) throw new Error(`the fake has no budget ${name}`);
    this.#budgets.set(name, { ...budget, disruptionsAllowed, disrupted: [], version: budget.version + 1 });
    this.#changed();
  }

  /** Pods of an app that run. */
  count(app: string): number {
    return [...this.#pods.values()].filter(({ pod }) => pod.labels['app'] === app).length;
  }

  allowed(name: string): number {
    return this.#budgets.get(name)?.disruptionsAllowed ?? 0;
  }

  async readNode(name: string): Promise<NodeState | null> {
    return this.#nodes.get(name)?.state ?? null;
  }

  async readNodeAutoscaler(): Promise<NodeAutoscaler> {
    return this.nodeAutoscaler;
  }

  async listNodes(): Promise<readonly NodeState[]> {
    return [...this.#nodes.values()].map(({ state }) => state);
  }

  async listCordoned(): ReturnType<NodePort['listCordoned']> {
    return [...this.#nodes.values()].flatMap(({ state, mark }) => (mark === null ? [] : [{ node: state, mark }]));
  }

  async cordon(identity: NodeIdentity, mark: CordonMark): ReturnType<NodePort['cordon']> {
    const node = this.#nodes.get(identity.name);
    if (node === undefined || !isSame(node, identity)) return 'replaced';
    if (!node.state.schedulable && node.mark?.owner !== mark.owner) return 'cordoned already';
    const was = node.state.schedulable;
    this.#nodes.set(identity.name, { state: cordoned(node.state, 'headroom'), mark });
    this.#changed();
    return was ? 'cordoned' : 'ours';
  }

  async uncordon(identity: NodeIdentity, owner: string): ReturnType<NodePort['uncordon']> {
    const node = this.#nodes.get(identity.name);
    if (node === undefined || !isSame(node, identity)) return 'gone';
    if (node.mark?.owner !== owner) return 'not ours';
    this.#nodes.set(identity.name, { state: uncordoned(node.state), mark: null });
    this.#changed();
    return 'uncordoned';
  }

  async evict(asked: PodRef, { signal, caller }: Call): Promise<EvictionAnswer> {
    this.evictions.push({ ...asked, caller });
    this.#waiting += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#waiting);
    await new Promise((resolve) => setImmediate(resolve));
    this.#waiting -= 1;
    signal.throwIfAborted();
    return this.answers.shift() ?? judgeReply(this.#reply(asked));
  }

  async readPodsOn(nodeName: string): Promise<readonly NodePod[]> {
    this.lists += 1;
    return this.podsOn(nodeName);
  }

  podsOn(nodeName: string): readonly NodePod[] {
    return [...this.#pods.values()].filter(({ node }) => node === nodeName).map(({ pod }) => pod);
  }

  /** How many pods a controller wants, by its uid; one that is not here is gone. */
  readonly wants = new Map<string, number>();

  async isComplete({ uid }: PodOwner): Promise<boolean> {
    const pods = [...this.#pods.values()].filter(({ pod }) => pod.owner?.uid === uid && pod.ready && !pod.deleting);
    return pods.length >= (this.wants.get(uid) ?? 0);
  }

  watchNode(node: string, see: (view: NodeView) => void, { signal }: Call): Promise<never> {
    const watcher = { node, see };
    this.#watchers.add(watcher);
    setImmediate(() => this.#changed());
    return new Promise((_, reject) => {
      const end = () => {
        this.#watchers.delete(watcher);
        reject(signal.reason);
      };
      if (signal.aborted) end();
      signal.addEventListener('abort', end, { once: true });
    });
  }

  /** The order of the checks is the API server's: the budget before the uid (R51). */
  #reply({ namespace, name, uid }: PodRef): EvictionReply {
    const stored = [...this.#pods.values()].find(({ pod }) => pod.namespace === namespace && pod.name === name);
    if (stored === undefined) return aReply(404, `pods "${name}" not found`);
    const { pod } = stored;
    const isGuarded = pod.phase === 'Running' && !pod.deleting;
    const covering = [...this.#budgets.values()].filter(
      (one) => isGuarded && one.namespace === namespace && one.selector !== null && selects(one.selector, pod.labels),
    );
    const [budget] = covering;
    if (covering.length > 1)
      return aReply(
        500,
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      );
    const { allowsUnready = false, currentHealthy = 0, desiredHealthy = 0 } = budget ?? {};
    const asks = pod.ready || !(allowsUnready || (currentHealthy >= desiredHealthy && desiredHealthy > 0));
    if (budget !== undefined && asks && budget.disruptionsAllowed <= 0) {
      const message = `The disruption budget ${budget.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
      const said = "Cannot evict pod as it would violate the pod's disruption budget.";
      return { ...aReply(429, said), causes: [{ reason: 'DisruptionBudget', message }] };
    }
    if (pod.uid !== uid)
      return aReply(409, `the UID in the precondition (${uid}) does not match the UID in record (${pod.uid})`);
    if (budget !== undefined && asks) this.#spend(budget.name, name);
    this.changePod(uid, { deleting: true });
    return aReply(201, '');
  }

  #spend(budgetName: string, podName: string): void {
    const budget = this.#budgets.get(budgetName);
    if (budget === undefined) return;
    this.#budgets.set(budgetName, {
      ...budget,
      disruptionsAllowed: budget.disruptionsAllowed - 1,
      disrupted: [...budget.disrupted, podName],
      version: budget.version + 1,
    });
    this.#changed();
  }

  /** What no finalizer keeps is gone a moment later. */
  #end(uid: string): void {
    setImmediate(() => {
      const stored = this.#pods.get(uid);
      if (stored === undefined || !stored.pod.deleting || stored.pod.finalizers.length > 0) return;
      this.#pods.delete(uid);
      this.#changed();
      this.onGone(stored.pod);
    });
  }

  #node(name: string): StoredNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`the fake has no node ${name}`);
    return node;
  }

  #changed(): void {
    for (const { node, see } of this.#watchers) see(this.#view(node));
  }

  #view(name: string): NodeView {
    const node = this.#nodes.get(name)?.state;
    return {
      uid: node?.uid ?? null,
      schedulable: node?.schedulable ?? true,
      pods: [...this.#pods.values()].filter((one) => one.node === name).map(({ pod }) => pod),
      budgets: [...this.#budgets.values()].map(({ version, disrupted, ...budget }) => ({
        ...budget,
        version: String(version),
        disruptedPods: disrupted,
        isObserved: true,
      })),
    };
  }
}

function isSame({ state }: StoredNode, { uid, instanceId }: NodeIdentity): boolean {
  return state.uid === uid && instanceIdOf(state.providerId) === instanceId;
}

function aReply(status: number, message: string): EvictionReply {
  return { status, message, causes: [], retryAfterMs: null };
}

function cordoned(state: NodeState, manager: string): NodeState {
  return { ...state, schedulable: false, cordonedBy: { manager, atMs: Date.now() } };
}

function uncordoned(node: NodeState): NodeState {
  const { cordonedBy: _, ...state } = node;
  return { ...state, schedulable: true };
}
