import { log } from '@temporalio/workflow';
import { reasonOf } from './tell-owners.ts';

/** A local activity as the first attempt; on any failure the ordinary activity follows. */
export async function firstOr<T>(first: () => Promise<T>, second: () => Promise<T>): Promise<T> {
  try {
    return await first();
  } catch (error) {
    log.info('the quick attempt failed, an ordinary activity follows', { reason: reasonOf(error) });
    return second();
  }
}
