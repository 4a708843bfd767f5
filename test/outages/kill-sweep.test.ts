import { describe, it } from 'node:test';
import { capacityHold, emergency, STEP_SCALE, sweep, type SweptGovernor } from '../harness/kill-sweep.ts';
import { GOVERNOR_NAMES, GOVERNORS } from '../harness/lane.ts';

/** Each death costs a heartbeat timeout, and the lanes wait for theirs at the same time. */
const LANES = 5;

/** A part of its name runs a sweep alone, `all` runs all of them; without it those that are marked `always`. */
const asked = process.env['HEADROOM_SWEEPS'];

interface Row {
  readonly governor: SweptGovernor;
  readonly name: string;
  readonly procedure?: Parameters<typeof sweep>[1]['procedure'];
  readonly always?: true;
}
const rows: readonly Row[] = [
  ...GOVERNOR_NAMES.map((governor): Row => ({ governor, name: 'a pre-scale', always: true })),
  { governor: 'hpa', name: 'an emergency', procedure: emergency('freeze'), always: true },
  { governor: 'keda', name: 'an emergency', procedure: emergency('freeze') },
  { governor: 'hpa', name: 'an emergency that pauses', procedure: emergency('pause') },
  { governor: 'keda', name: 'an emergency that pauses', procedure: emergency('pause') },
  { governor: 'keda', name: 'steps', procedure: STEP_SCALE },
  { governor: 'hpa', name: 'a hold that freezes', procedure: capacityHold('freeze') },
  { governor: 'keda', name: 'a hold that pauses', procedure: capacityHold('pause') },
];

const named = rows.map((row) => ({ ...row, what: `${row.name} ${GOVERNORS[row.governor].words}` }));
const chosen = named.filter(({ what, always = false }) =>
  asked === undefined ? always : asked === 'all' || what.includes(asked),
);
if (chosen.length === 0)
  throw new Error(`HEADROOM_SWEEPS=${asked} is none of: all, ${named.map(({ what }) => what).join(', ')}`);

describe('a worker killed by SIGKILL before and after the effect of an activity', () => {
  for (const { governor, what, procedure } of chosen)
    it(`comes back to the same end, at every activity of ${what}`, () =>
      sweep(governor, { halves: ['before', 'after'], lanes: LANES, ...(procedure && { procedure }) }));
});
