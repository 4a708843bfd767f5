import { COMMON_SAYINGS, lengthOf, type Sayings } from './report-timeline.ts';

/** What an operator said to a run on nodes. */
export const NODE_SAYINGS: Sayings = {
  ...COMMON_SAYINGS,
  endNow: () => 'ended it',
  skipWait: () => 'did not want to wait any longer',
  extend: ({ forMs }) => `made the time ${lengthOf(forMs)} longer`,
};
