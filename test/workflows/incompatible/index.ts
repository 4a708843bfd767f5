import { sleep } from '@temporalio/workflow';
import * as real from '../../../workflows/index.ts';

/** The workflows after an edit that forgot the runs under way: each waits a moment before it begins. */
export async function preScale(...args: Parameters<typeof real.preScale>): ReturnType<typeof real.preScale> {
  await sleep(1_000);
  return real.preScale(...args);
}
export async function capacityLedger(...args: Parameters<typeof real.capacityLedger>): Promise<never> {
  await sleep(1_000);
  return real.capacityLedger(...args);
}
