import { z } from 'zod';
import { BadRequest, type Routes } from '../control.ts';
import { Refusal, type Group } from './model.ts';
import { CloudOrder } from './orders.ts';
import type { RunningCloud } from './start.ts';

/** `GET /cloud` shows it, `POST /cloud` takes an order and shows it then. */
export function addCloudRoutes(routes: Routes, cloud: RunningCloud): void {
  routes.set('GET /cloud', () => viewOf(cloud));
  routes.set('POST /cloud', (body) => {
    const read = CloudOrder.safeParse(body ?? {});
    if (!read.success) throw new BadRequest(z.prettifyError(read.error));
    try {
      cloud.order(read.data);
    } catch (error) {
      throw error instanceof Refusal ? new BadRequest(error.message) : error;
    }
    return viewOf(cloud);
  });
}

export interface CloudView {
  readonly groups: readonly {
    readonly name: string;
    readonly status: string;
    readonly stored: Group['stored'];
    readonly live: Group['live'];
    readonly capacity: number | null;
    readonly instances: readonly {
      readonly id: string;
      readonly type: string;
      readonly zone: string;
      readonly lifecycle: string;
      readonly node: string;
    }[];
  }[];
  readonly waitingFaults: readonly { readonly operation: string; readonly what: string; readonly times: number }[];
  readonly calls: number;
}

function viewOf({ core, waitingFaults, calls }: RunningCloud): CloudView {
  const groups = [...core.fleet.groups.values()].map((group) => ({
    name: group.name,
    status: core.nodeGroups.status(group),
    stored: group.stored,
    live: group.live,
    capacity: group.capacity,
    instances: core.fleet
      .instances(group)
      .map(({ id, type, zone, lifecycle, node }) => ({ id, type, zone, lifecycle, node })),
  }));
  return { groups, waitingFaults: waitingFaults(), calls: calls.length };
}
