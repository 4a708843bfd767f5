import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunView } from '../../client/runs.ts';
import { exitCodeOf } from '../../client/watch.ts';
import type { RunResult } from '../../domain/procedures.ts';

const codeOf = (result: object | null, state = 'COMPLETED') =>
  exitCodeOf({ state, result: result as RunResult | null } as RunView);

describe('the exit code of a run that has ended', () => {
  const rows: readonly (readonly [string, object | null, number])[] = [
    ['all that was asked for', { outcome: 'done', reasons: [] }, 0],
    ['less than was asked for', { outcome: 'short', reasons: ['x'] }, 1],
    ['a refusal', { outcome: 'refused', reasons: ['x'] }, 3],
    ['a removal', { outcome: 'removed', reasons: [], lost: [] }, 0],
    ['a removal from a group that somebody else has sized', { outcome: 'removed', reasons: ['x'], lost: [] }, 0],
    ['a removal that cost another instance', { outcome: 'removed', reasons: ['x'], lost: ['i-02'] }, 1],
    ['a removal that did not get through', { outcome: 'partly removed', reasons: ['x'], lost: [] }, 1],
    ['no result', null, 1],
  ];
  for (const [name, result, code] of rows) it(`is ${code} after ${name}`, () => assert.equal(codeOf(result), code));

  it('is 1 of one that was terminated, whatever it had done', () => assert.equal(codeOf(null, 'TERMINATED'), 1));
});
