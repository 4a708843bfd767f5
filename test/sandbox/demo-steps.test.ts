import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { windowFrom } from '../../sandbox/demo-steps.ts';

const NOW = Date.parse('2026-11-28T17:00:00.400Z');
const after = (ms: number | undefined): number => ((ms ?? Number.NaN) - NOW) / 1_000;

describe('the clock of the demo', () => {
  it('has an event that starts in whole seconds, after the clock, and lasts twice as long', () => {
    const { startMs, peakMs, stormMs, endMs } = windowFrom(NOW, 30_000, { withStorm: false });
    assert.deepEqual([after(startMs), after(peakMs), stormMs, after(endMs)], [30.6, 40.6, undefined, 90.6]);
  });

  it('has the storm when the autoscaler has read the peak, and ends when that has had its time', () => {
    const { stormMs, endMs } = windowFrom(NOW, 30_000, { withStorm: true });
    assert.deepEqual([after(stormMs), after(endMs)], [52.6, 82.6]);
  });

  it('leaves a storm its time, however short the clock is', () => {
    const { peakMs, stormMs = 0, endMs } = windowFrom(NOW, 3_000, { withStorm: true });
    assert.ok(stormMs - peakMs >= 12_000 && endMs - stormMs >= 30_000);
  });
});
