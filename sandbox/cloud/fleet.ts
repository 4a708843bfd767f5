import { ActivityLog } from './activity-log.ts';
import { createGroup, seededInstances, type GroupSpec } from './group.ts';
import { Refusal, type Activity, type Group, type Instance, type NodeEvent, type Timings } from './model.ts';
import { imbalanceOf, pickForScaleIn, zonesOf } from './zones.ts';

/** Something that happens by itself when its time has come. */
export interface Due {
  readonly atMs: number;
  run(nowMs: number): readonly NodeEvent[];
}

/**
 * Auto Scaling groups and their instances: what EC2 Auto Scaling would do, told only by the time that it is given. Where AWS
 * promises nothing it does the worst: a second terminate of the same instance decrements once more (R57).
 */
export class Fleet {
  readonly groups: ReadonlyMap<string, Group>;
  readonly activities = new ActivityLog();
  readonly #instances: Instance[];
  readonly #idsFrom: string;
  #made = 0;

  constructor(
    specs: readonly GroupSpec[],
    { timings, idsFrom }: { readonly timings: Timings; readonly idsFrom: string },
  ) {
    this.#idsFrom = idsFrom;
    this.groups = new Map(specs.map((spec) => [spec.name, createGroup(spec, timings)]));
    this.#instances = specs.flatMap(seededInstances);
  }

  /** All that Auto Scaling still knows, of this group or of all. */
  instances(group?: Group): readonly Instance[] {
    return group === undefined ? this.#instances : this.#instances.filter((instance) => instance.group === group.name);
  }

  find(id: string): Instance {
    return this.#know(id).instance;
  }

  /** Undefined: no such Auto Scaling group. */
  findGroup(autoScalingGroup: string): Group | undefined {
    return [...this.groups.values()].find((group) => group.autoScalingGroup === autoScalingGroup);
  }

  terminate(id: string, { decrement, nowMs }: { readonly decrement: boolean; readonly nowMs: number }): Activity {
    const { instance, group } = this.#know(id);
    const { min, desired } = group.live;
    if (decrement && desired - 1 < min)
      throw new Refusal(
        'ValidationError',
        `Currently, desiredSize equals minSize (${min}). Terminating instance without replacement will violate group's min size constraint.`,
      );
    if (decrement) group.live = { ...group.live, desired: desired - 1 };
    const cause = `instance ${id} was taken out of service in response to a user request${decrement ? `, shrinking the capacity from ${desired} to ${desired - 1}` : ''}.`;
    return this.#end(instance, group, { cause, nowMs });
  }

  /** It is gone without a word, as when its machine fails; the group's size stays, so that another one follows. */
  lose(id: string, nowMs: number): void {
    const { instance, group } = this.#know(id);
    this.#end(instance, group, { cause: `instance ${id} was found to be unhealthy.`, nowMs });
    instance.nextAtMs = nowMs;
  }

  setDesired(group: Group, desired: number, nowMs: number): void {
    const { min, max } = group.live;
    const [is, bound] = desired > max ? ['above max', max] : ['below min', min];
    if (!(desired >= min && desired <= max))
      throw new Refusal(
        'ValidationError',
        `New SetDesiredCapacity value ${desired} is ${is} value ${bound} for the AutoScalingGroup.`,
      );
    this.resize(group, { ...group.live, desired }, nowMs);
  }

  /** Takes effect at the next look: missing instances are ordered, and of those too many some are picked. */
  resize(group: Group, sizes: Group['live'], nowMs: number): void {
    group.live = sizes;
    group.launchAtMs = nowMs;
  }

  /** Instances are missing that it has been asked for. */
  isShort(group: Group): boolean {
    return this.#counted(group).length < group.live.desired;
  }

  /** What waits to happen, in no order. */
  dues(): readonly Due[] {
    const ofInstances = this.#instances.flatMap((instance) => [
      ...due(instance.nextAtMs, (nowMs) => this.#goOn(instance, nowMs)),
      ...due(instance.nodeAtMs, (nowMs) => this.#goOnWithNode(instance, nowMs)),
    ]);
    return [...ofInstances, ...[...this.groups.values()].flatMap((group) => this.#duesOf(group))];
  }

  #duesOf(group: Group): readonly Due[] {
    const tooMany = this.#counted(group).length - group.live.desired;
    if (tooMany < 0 && !group.suspended.has('Launch'))
      return due(group.launchAtMs, (nowMs) => this.#launchMissing(group, nowMs));
    const victim =
      tooMany > 0 && !group.suspended.has('Terminate') ? pickForScaleIn(group, this.#counted(group)) : undefined;
    if (victim !== undefined) return due(0, (nowMs) => this.#scaleIn(victim, group, nowMs));
    return due(group.rebalanceAtMs, (nowMs) => this.#rebalance(group, nowMs));
  }

  #goOn(instance: Instance, nowMs: number): readonly NodeEvent[] {
    if (instance.activity !== null) Object.assign(instance.activity, { status: 'Successful', endedAtMs: nowMs });
    instance.activity = null;
    instance.nextAtMs = null;
    if (instance.lifecycle === 'Pending') {
      instance.lifecycle = 'InService';
      instance.nodeAtMs = instance.fate === 'never join' ? null : nowMs + this.#timings(instance).joinMs;
      return [];
    }
    this.#instances.splice(this.#instances.indexOf(instance), 1);
    return instance.node === 'none' ? [] : [{ kind: 'left', instance }];
  }

  #goOnWithNode(instance: Instance, nowMs: number): readonly NodeEvent[] {
    if (instance.node === 'none') {
      instance.node = 'joined';
      instance.nodeAtMs = instance.fate === 'whole' ? nowMs + this.#timings(instance).gpuMs : null;
      return [{ kind: 'joined', instance }];
    }
    instance.node = 'whole';
    instance.nodeAtMs = null;
    return [{ kind: 'gpus registered', instance }];
  }

  #launchMissing(group: Group, nowMs: number): readonly NodeEvent[] {
    const missing = group.live.desired - this.#counted(group).length;
    for (let launched = 0; launched < missing; launched += 1) {
      const cause = `an instance was started in response to a difference between desired and actual capacity, increasing the capacity to ${group.live.desired}.`;
      if (!this.#launch(group, { zone: zonesOf(group, this.#counted(group))[0]?.zone ?? '', cause, nowMs })) break;
    }
    return [];
  }

  /** Without capacity the order stands, and is tried again for ever (R63). */
  #launch(
    group: Group,
    { zone, cause, nowMs }: { readonly zone: string; readonly cause: string; readonly nowMs: number },
  ) {
    const [type = ''] = group.instanceTypes;
    if (group.capacity === 0) {
      const message = `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone}). Our system will be working on provisioning additional capacity. Launching EC2 instance failed.`;
      const description = `Launching a new EC2 instance.  Status Reason: ${message}`;
      const activity = this.activities.begin(group, { description, cause, nowMs });
      Object.assign(activity, { status: 'Failed', message, endedAtMs: nowMs });
      group.launchFailure = message;
      group.launchAtMs = nowMs + Math.max(1, group.timings.retryMs);
      return false;
    }
    if (group.capacity !== null) group.capacity -= 1;
    group.launchFailure = null;
    const id = `i-0${this.#idsFrom}${(0xc0de_0000 + (this.#made += 1)).toString(16)}`;
    const activity = this.activities.begin(group, { description: `Launching a new EC2 instance: ${id}`, cause, nowMs });
    const address = this.#freeAddress(group);
    this.#instances.push({
      id,
      group: group.name,
      type,
      zone,
      address,
      launchedAtMs: nowMs,
      fate: group.fate,
      activity,
      lifecycle: 'Pending',
      nextAtMs: nowMs + group.timings.launchMs,
      node: 'none',
      nodeAtMs: null,
      protectedFromScaleIn: false,
      spared: false,
    });
    return true;
  }

  #scaleIn(instance: Instance, group: Group, nowMs: number): readonly NodeEvent[] {
    this.#end(instance, group, { cause: `instance ${instance.id} was selected for termination.`, nowMs });
    return [];
  }

  /** One instance more in the emptiest zone, and one that nobody named goes in the fullest (R58). */
  #rebalance(group: Group, nowMs: number): readonly NodeEvent[] {
    group.rebalanceAtMs = null;
    const moved = imbalanceOf(group, this.#counted(group));
    const isOff = ['AZRebalance', 'Launch', 'Terminate'].some((process) => group.suspended.has(process));
    if (isOff || moved === undefined) return [];
    group.rebalanceAtMs = nowMs + Math.max(1, group.timings.rebalanceMs);
    const cause = `availability zones ${moved.emptiest} and ${moved.fullest} are out of balance.`;
    const victim = pickForScaleIn(group, this.#counted(group));
    if (victim === undefined || !this.#launch(group, { zone: moved.emptiest, cause, nowMs })) return [];
    this.#end(victim, group, { cause, nowMs });
    return [];
  }

  #end(
    instance: Instance,
    group: Group,
    { cause, nowMs }: { readonly cause: string; readonly nowMs: number },
  ): Activity {
    group.rebalanceAtMs ??= nowMs + group.timings.rebalanceMs;
    const description = `Terminating EC2 instance: ${instance.id}`;
    const activity = this.activities.begin(group, { description, cause, nowMs });
    if (instance.lifecycle === 'Terminating:Wait') {
      Object.assign(activity, { status: 'Successful', endedAtMs: nowMs });
      return activity;
    }
    if (instance.activity !== null) Object.assign(instance.activity, { status: 'Failed', endedAtMs: nowMs });
    instance.lifecycle = 'Terminating:Wait';
    instance.nextAtMs = nowMs + group.timings.terminateMs;
    instance.activity = activity;
    // it keeps the Node that it has; one that has none gets none
    if (instance.node === 'none') instance.nodeAtMs = null;
    return activity;
  }

  /** Those that make up the group's size: one that ends no longer does. */
  #counted(group: Group): readonly Instance[] {
    return this.instances(group).filter(({ lifecycle }) => lifecycle !== 'Terminating:Wait');
  }

  #freeAddress({ subnet }: Group): string {
    const taken = new Set(this.#instances.map(({ address }) => address));
    for (let host = 10; ; host += 1) if (!taken.has(`${subnet}${host}`)) return `${subnet}${host}`;
  }

  #know(id: string): { readonly instance: Instance; readonly group: Group } {
    const instance = this.#instances.find((candidate) => candidate.id === id);
    const group = this.groups.get(instance?.group ?? '');
    if (instance !== undefined && group !== undefined) return { instance, group };
    throw new Refusal('ValidationError', `Instance Id not found - No managed instance found for instance ID ${id}`);
  }

  #timings(instance: Instance): Timings {
    const group = this.groups.get(instance.group);
    if (group === undefined) throw new Error(`instance ${instance.id} is of no group`);
    return group.timings;
  }
}

const due = (atMs: number | null, run: Due['run']): readonly Due[] => (atMs === null ? [] : [{ atMs, run }]);
