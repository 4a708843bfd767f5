import type { GroupSizes } from '../../domain/node-group.ts';
import type { Due, Fleet } from './fleet.ts';
import { Refusal, type Group, type UpdateError } from './model.ts';

/** An update of a node group; one at a time. */
export interface GroupUpdate {
  readonly id: string;
  readonly group: string;
  readonly token: string;
  readonly params: readonly { readonly type: string; readonly value: string }[];
  readonly createdAtMs: number;
  readonly endsAtMs: number;
  readonly wanted: GroupSizes;
  /** When the Auto Scaling group gets them; null: it has them, or never will. */
  appliesAtMs: number | null;
  /** What the group had before. */
  readonly before: GroupSizes;
  readonly error: UpdateError | null;
  status: 'InProgress' | 'Successful' | 'Failed';
}

/** Where AWS does not say what it does. The defaults are what careless code would suffer from. */
export interface Leniency {
  /** A group that is DEGRADED takes updates. */
  degradedTakesUpdates: boolean;
  /** A size that an update does not name stays as the Auto Scaling group has it, instead of what EKS stored for it before. */
  keepsUnnamedSizes: boolean;
}

/** EKS managed node groups over their Auto Scaling groups. */
export class NodeGroups {
  readonly leniency: Leniency = { degradedTakesUpdates: false, keepsUnnamedSizes: false };
  readonly #fleet: Fleet;
  readonly #updates: GroupUpdate[] = [];

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  find(name: string): Group {
    const group = this.#fleet.groups.get(name);
    if (group !== undefined) return group;
    throw new Refusal('ResourceNotFoundException', `No node group found for name: ${name}.`, 404);
  }

  status(group: Group): string {
    if (group.forcedStatus !== null) return group.forcedStatus;
    if (this.#underWay(group) !== undefined) return 'UPDATING';
    return this.issue(group) === null ? 'ACTIVE' : 'DEGRADED';
  }

  /** Why instances are missing; null: none is, or it is too early to say. */
  issue(group: Group): string | null {
    return this.#fleet.isShort(group) ? group.launchFailure : null;
  }

  update(name: string, id: string): GroupUpdate {
    const update = this.#updates.find((candidate) => candidate.group === name && candidate.id === id);
    if (update !== undefined) return update;
    throw new Refusal('ResourceNotFoundException', `No update found for ID: ${id}`, 404);
  }

  /** Answered before the Auto Scaling group has the new sizes; that the update has ended says nothing of instances (R62). */
  configure(
    name: string,
    { sizes, token, nowMs }: { readonly sizes: Partial<GroupSizes>; readonly token: string; readonly nowMs: number },
  ): GroupUpdate {
    const group = this.find(name);
    // the first answer again, whatever is asked with the same token: an undo needs one of its own (R61)
    const known = this.#updates.find((update) => update.group === name && update.token === token);
    if (known !== undefined) return known;
    this.#refuseUnlessActive(group);
    const before = group.stored;
    const base = this.leniency.keepsUnnamedSizes ? group.live : before;
    const wanted = { ...base, ...sizes };
    refuseUnordered(wanted);
    const { updateMs, applyMs } = group.timings;
    const update: GroupUpdate = {
      id: `update-${String(this.#updates.length + 1).padStart(6, '0')}`,
      group: name,
      token,
      before,
      createdAtMs: nowMs,
      endsAtMs: nowMs + Math.max(updateMs, applyMs),
      wanted,
      appliesAtMs: group.nextUpdateError === null ? nowMs + applyMs : null,
      params: paramsOf(sizes),
      error: group.nextUpdateError,
      status: 'InProgress',
    };
    group.nextUpdateError = null;
    this.#updates.push(update);
    group.stored = wanted;
    if (update.appliesAtMs === nowMs) this.#apply(update, nowMs);
    return update;
  }

  dues(): readonly Due[] {
    const underWay = this.#updates.filter(({ status }) => status === 'InProgress');
    return underWay.map((update) => {
      const { appliesAtMs, endsAtMs } = update;
      if (appliesAtMs === null) return { atMs: endsAtMs, run: () => this.#end(update) };
      return { atMs: appliesAtMs, run: (nowMs) => this.#apply(update, nowMs) };
    });
  }

  /** Sizes are absolute: what others have set meanwhile is lost (R60). */
  #apply(update: GroupUpdate, nowMs: number): readonly never[] {
    update.appliesAtMs = null;
    this.#fleet.resize(this.find(update.group), update.wanted, nowMs);
    return [];
  }

  #end(update: GroupUpdate): readonly never[] {
    update.status = update.error === null ? 'Successful' : 'Failed';
    if (update.error !== null) this.find(update.group).stored = update.before;
    return [];
  }

  #underWay(group: Group): GroupUpdate | undefined {
    return this.#updates.find(({ group: name, status }) => name === group.name && status === 'InProgress');
  }

  #refuseUnlessActive(group: Group): void {
    const status = this.status(group);
    if (status === 'UPDATING')
      throw new Refusal('ResourceInUseException', `Nodegroup cannot be updated as an update is in progress`, 409);
    if (status === 'ACTIVE' || (status === 'DEGRADED' && this.leniency.degradedTakesUpdates)) return;
    throw new Refusal('InvalidRequestException', 'Nodegroup cannot be updated as it is currently not in Active State');
  }
}

function refuseUnordered({ min, max, desired }: GroupSizes): void {
  const fault = (message: string) => new Refusal('InvalidParameterException', message);
  if (max < 1) throw fault(`Maximum capacity ${max} can't be less than 1`);
  if (min < 0 || desired < 0) throw fault(`Capacity can't be less than 0`);
  if (min > desired) throw fault(`Minimum capacity ${min} can't be greater than desired size ${desired}`);
  if (desired > max) throw fault(`Desired capacity ${desired} can't be greater than max size ${max}`);
}

const PARAMS = [
  ['min', 'MinSize'],
  ['max', 'MaxSize'],
  ['desired', 'DesiredSize'],
] as const;

function paramsOf(sizes: Partial<GroupSizes>): GroupUpdate['params'] {
  return PARAMS.flatMap(([key, type]) => (sizes[key] === undefined ? [] : [{ type, value: String(sizes[key]) }]));
}
