import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { CommandFailed } from '../../client/exit.ts';
import { readPreScale, type PreScaleOptions } from '../../client/request.ts';

const nowMs = Date.UTC(2026, 10, 27, 6);
const words = { event: 'black-friday', starts: '2026-11-27T09:00:00Z', ends: '2026-11-27T21:00:00+01:00', factor: '2' };
const read = (options: PreScaleOptions, workload = 'web') =>
  readPreScale(workload, options, { nowMs, requestedBy: 'you@laptop' });
function faultsOf(options: PreScaleOptions, workload?: string): string {
  try {
    read(options, workload);
  } catch (error) {
    if (error instanceof CommandFailed && error.code === 2) return error.message;
    throw error;
  }
  return '';
}

describe('reading the words of a pre-scale', () => {
  it('takes times with their offset, and who asks', () => {
    const request = read({ ...words, lead: '1h30m', note: 'the big one' });
    assert.deepEqual(request, {
      workload: 'web',
      event: { name: 'black-friday', startMs: Date.UTC(2026, 10, 27, 9), endMs: Date.UTC(2026, 10, 27, 20) },
      target: { kind: 'factor', factor: 2 },
      leadMs: 5_400_000,
      requestedBy: 'you@laptop',
      note: 'the big one',
    });
  });

  const faults: readonly { readonly name: string; readonly options: PreScaleOptions; readonly says: RegExp }[] = [
    {
      name: 'a time without an offset',
      options: { ...words, starts: '2026-11-27T09:00:00' },
      says: /--starts .* with an offset/,
    },
    { name: 'a day that is none', options: { ...words, starts: '2026-13-45T09:00:00Z' }, says: /--starts/ },
    { name: 'an event with a dot', options: { ...words, event: 'black.friday' }, says: /--event "black.friday"/ },
    {
      name: 'an event that ends in a dash',
      options: { ...words, event: 'sale-' },
      says: /letter or digit at both ends/,
    },
    { name: 'both targets', options: { ...words, replicas: '4' }, says: /either --replicas N or --factor F/ },
    { name: 'an empty factor', options: { ...words, factor: '' }, says: /factor NaN/ },
    { name: 'a factor of infinity', options: { ...words, factor: 'Infinity' }, says: /factor Infinity/ },
    { name: 'a lead without a unit', options: { ...words, lead: '30' }, says: /--lead "30" has no unit/ },
  ];
  for (const { name, options, says } of faults) it(`refuses ${name}`, () => assert.match(faultsOf(options), says));

  it('names all faults at once', () => {
    const said = faultsOf({ event: '', starts: 'x', ends: 'y', replicas: '-1', lead: 'z' }, 'no such/workload');
    for (const part of [/workload/, /--event/, /--starts/, /--ends/, /replicas -1/, /--lead/]) assert.match(said, part);
  });

  it('answers any words with a request or with faults, and never with anything else', () => {
    const text = fc.option(fc.string(), { nil: undefined });
    const options = fc.record(
      { event: text, starts: text, ends: text, replicas: text, factor: text, lead: text },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(options, fc.string(), (given, workload) => {
        const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
        assert.notEqual(faultsOf(set, workload), undefined);
      }),
    );
  });
});
