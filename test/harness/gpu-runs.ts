import assert from 'node:assert/strict';
import { additionId, drainId } from '../../domain/names.ts';
import type { RunResult } from '../../domain/procedures.ts';
import { untilEnded, untilIn, type GpuLane } from './gpu-lane.ts';

export const drain = ({ lane }: GpuLane, node: string, ...words: readonly string[]) =>
  lane.headroom('drain', node, ...words);

export const firstNode = (gpu: GpuLane): string => gpu.nodes()[0] ?? assert.fail('no nodes');

/** One node more, for a time; answers when it is there. */
export async function lend(gpu: GpuLane): Promise<{ readonly node: string; readonly instance: string }> {
  const before = gpu.instances();
  await gpu.lane.headroom('add-nodes', gpu.group, '--count', '1', '--for', '1m', '--as', 'alice');
  await untilIn(gpu, additionId(gpu.group), 'holding');
  const [instance, ...others] = gpu.instances().filter((id) => !before.includes(id));
  assert.ok(instance !== undefined && others.length === 0);
  const node = gpu.nodes().find((name) => gpu.instanceOf(name) === instance) ?? assert.fail('it has no node');
  return { node, instance };
}

/** How the drain of this node ended, and what it told. */
export async function endOfDrain(gpu: GpuLane, node: string, withinMs = 60_000) {
  const result = await endOf(gpu, drainId([node]), withinMs);
  if (!('reasons' in result)) throw new Error(`not an end of a drain: ${JSON.stringify(result)}`);
  return { lost: undefined, nodes: [], ...result };
}

/** How the run ended, and what it told. */
export async function endOfAddition(gpu: GpuLane, run: string, withinMs = 60_000) {
  const result = await endOf(gpu, run, withinMs);
  if (!('asked' in result)) throw new Error(`not an end of an addition: ${JSON.stringify(result)}`);
  return result;
}

/** One that failed says why. */
async function endOf(gpu: GpuLane, run: string, withinMs: number): Promise<RunResult> {
  await untilEnded(gpu, run, withinMs);
  const handle = gpu.lane.temporal.workflow.getHandle(run);
  return (await handle.result().catch((error: unknown) => {
    throw new Error(`${run} has no result`, { cause: error });
  })) as RunResult;
}
