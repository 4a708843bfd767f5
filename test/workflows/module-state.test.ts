import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
/** What a module keeps between calls: the start of a statement at its top level. */
const KEEPS = /^(export )?(let|var) |^(export )?const [^=]+ = (new (Weak)?(Map|Set)\b|\[\];|\{\};)/m;

describe('the modules that all runs of a worker share', () => {
  // preloaded once for all runs of a thread (worker/bundle.ts), and replay must not depend on which ran before
  for (const file of globSync(['workflows/*.ts', 'domain/*.ts'], { cwd: ROOT }).toSorted())
    it(`keep nothing: ${file}`, () => assert.doesNotMatch(readFileSync(join(ROOT, file), 'utf8'), KEEPS));

  it('would be seen to keep something', () => {
    for (const line of [
      'let count = 0;',
      'export const seen = new Map<string, number>();',
      'const all: string[] = [];',
    ])
      assert.match(`import x from 'y';\n${line}\n`, KEEPS);
  });
});
