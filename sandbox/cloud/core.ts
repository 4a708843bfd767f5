import { Fleet } from './fleet.ts';
import type { GroupSpec } from './group.ts';
import { TIMINGS, type NodeEvent, type Timings } from './model.ts';
import { NodeGroups } from './node-groups.ts';

export interface CoreOptions {
  /** As EKS names the cluster. */
  readonly cluster: string;
  readonly groups: readonly GroupSpec[];
  readonly timings?: Partial<Timings>;
  /** Beginning of the ids of instances that are launched, eight hexadecimal digits: two clouds beside one cluster must not give the same. */
  readonly idsFrom?: string;
}

/** All that the stand-in knows, without a clock: who drives it says what time it is. */
export class CloudCore {
  readonly cluster: string;
  readonly fleet: Fleet;
  readonly nodeGroups: NodeGroups;
  #nowMs = 0;

  constructor({ cluster, groups, timings, idsFrom = '00000000' }: CoreOptions) {
    this.cluster = cluster;
    this.fleet = new Fleet(groups, { timings: { ...TIMINGS, ...timings }, idsFrom });
    this.nodeGroups = new NodeGroups(this.fleet);
  }

  /** Lets everything happen that was to happen by then, in its order, however late one looks. */
  advance(toMs: number): readonly NodeEvent[] {
    const events: NodeEvent[] = [];
    for (let next = this.#next(); next !== undefined && next.atMs <= toMs; next = this.#next()) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      events.push(...next.run(this.#nowMs));
    }
    this.#nowMs = Math.max(this.#nowMs, toMs);
    return events;
  }

  /** When something happens by itself; null: never, as things stand. */
  nextMs(): number | null {
    return this.#next()?.atMs ?? null;
  }

  #next() {
    return [...this.fleet.dues(), ...this.nodeGroups.dues()].toSorted((one, other) => one.atMs - other.atMs)[0];
  }
}
