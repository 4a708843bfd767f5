import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { run } from '../../client/command.ts';
import { forTerminal } from '../../client/terminal.ts';

describe('people’s words on a terminal', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    [
      'are as they were written',
      '  asked for  größer, „sale“ 🚀 (naïve)\n  reason  数',
      '  asked for  größer, „sale“ 🚀 (naïve)\n  reason  数',
    ],
    ['set no colour and clear no screen', 'a\u001B[2J\u009B31mb', 'a [2J 31mb'],
    ['go back over nothing', 'rejected\r\u0008\u0008approved', 'rejected approved'],
    ['turn no line round', 'a\u202Egnp.exe\u2066b', 'a gnp.exe b'],
    ['are characters throughout', 'a\uD800b', 'a\uFFFDb'],
  ];
  for (const [name, written, shown] of rows) it(name, () => assert.equal(forTerminal(written), shown));

  it('are cleaned by every command, and kept whole in JSON', async (t) => {
    const printed: string[] = [];
    t.mock.method(process.stdout, 'write', (text: string) => printed.push(text) > 0);
    const { exitCode } = process;
    const [text, value] = ['note \u001B[2J', { note: '\u001B[2J' }];
    await run({}, async () => ({ value, text }));
    await run({ json: true }, async () => ({ value, text }));
    process.exitCode = exitCode;
    t.mock.restoreAll();
    assert.deepEqual(printed, ['note  [2J\n', '{"note":"\\u001b[2J"}\n']);
  });
});
