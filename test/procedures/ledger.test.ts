import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { inLane } from '../harness/lane.ts';
import { anOwner, askLedger, toLedger } from '../harness/owners.ts';
import { untilHome } from '../harness/pre-scale.ts';

describe('words to a ledger', () => {
  it('hears each amendment and each release, and not the first answer again', () =>
    inLane({}, async (lane) => {
      const owners = await lane.snapshot();
      await lane.startWorker();
      const [ledger, run] = [toLedger(lane), await anOwner(lane, 'a-run')];
      for (const [sequence, floor] of [6, 8, 5].entries()) {
        await ledger.claim(run, sequence + 1, floor);
        await ledger.claim(run, sequence + 1, floor); // said again, as after a lost answer
        await eventually(`${floor} is claimed`, async () => (await askLedger(lane)).claims[0]?.floor === floor);
      }
      await ledger.claim(run, 2, 8);
      assert.equal((await askLedger(lane)).claims[0]?.floor, 5, 'an old word is not heard again');
      await ledger.release(run, 4);
      await untilHome(lane, owners);
    }));
});
