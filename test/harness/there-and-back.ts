import assert from 'node:assert/strict';
import { EMERGENCY, isScaleInOff } from './emergency.ts';
import { eventually } from './eventually.ts';
import type { Lane } from './lane.ts';
import { untilClosed, untilHome } from './pre-scale.ts';

/** An operator's emergency from its one write to the owner's values, which come back by themselves when the load is quiet. */
export async function thereAndBack(lane: Lane): Promise<void> {
  const run = EMERGENCY;
  const owners = await lane.snapshot();
  await lane.load(60);
  const began = await lane.headroom('emergency', 'tensafe-server', '--reason', 'checkout is slow', '--json');
  assert.equal(began.code, 0, began.stderr);
  await eventually('six pods are available', async () => (await lane.available()) === 6);
  assert.deepEqual([await lane.floor(), await isScaleInOff(lane), lane.writes().length], [6, true, 1]);
  await lane.load(0);
  assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
  await untilHome(lane, owners);
  const { result, status } = await lane.status(run);
  assert.deepEqual([result?.outcome, result?.restored, result?.drift], ['done', true, []]);
  assert.equal(status?.evidence?.kind, 'missing');
  assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
}
