import assert from 'node:assert/strict';
import { drainId } from '../../domain/names.ts';
import type { RunResult } from '../../domain/procedures.ts';
import { untilEnded, type GpuLane } from './gpu-lane.ts';

export const drain = ({ lane }: GpuLane, node: string, ...words: readonly string[]) =>
  lane.headroom('drain', node, ...words);

export const firstNode = (gpu: GpuLane): string => gpu.nodes()[0] ?? assert.fail('no nodes');

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
