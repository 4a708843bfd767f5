import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const HEADROOM = join(import.meta.dirname, '../../bin/headroom.ts');

describe('a command that changes an autoscaler, with what it cannot mean', () => {
  const rows: readonly (readonly [words: readonly string[], faults: readonly RegExp[]])[] = [
    [
      ['calm', 'web', '--stabilisation', 'x'],
      [/--for is missing; give how long, at most 7d/, /--stabilisation "x" is not a duration/],
    ],
    [
      ['calm', 'web', '--for', '0s', '--stabilisation', '2h'],
      [/--for 0s is not accepted.*at most 7d/, /--stabilisation 2h is not accepted.*at most 1h/],
    ],
    [
      ['configure', ' ', '--for', '9d', '--as', ''],
      [/workload is " "/, /--for 9d is not accepted/, /--as is ""; give who asks/],
    ],
  ];
  for (const [words, faults] of rows)
    it(`is told all of it, in the words of the command: ${words.join(' ')}`, () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [HEADROOM, 'autoscaler', ...words], {
        encoding: 'utf8',
        env: { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:1' },
      });
      assert.deepEqual([status, stdout], [2, '']);
      for (const fault of faults) assert.match(stderr, fault);
      assert.equal(stderr.split('\n').filter((line) => line.startsWith('  - ')).length, faults.length);
    });
});
