import * as fc from 'fast-check';

/** Whether this is `npm test`, which has minutes; `npm run test:unit` has twenty seconds, and is there to be run again and again. */
export const isThorough = process.env['HEADROOM_MODEL_RUNS'] !== undefined;

/** How often a property is tried: so often in `npm test`, and an eighth of it in `npm run test:unit`. */
export function tries(runs: number): number {
  return isThorough ? runs : Math.ceil(runs / 8);
}

// preloaded by test/run.ts: for all properties that do not say how often
fc.configureGlobal({ numRuns: tries(100) });
