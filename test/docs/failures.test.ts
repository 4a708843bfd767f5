import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { FAILURES } from '../../domain/failures.ts';

const page = readFileSync(new URL('../../docs/failures.md', import.meta.url), 'utf8');

it('docs/failures.md lists every failure with what the code says of it, in the same order', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (yes|no) +\| (yes|no) +\| (.+?) *\|$/gm)];
  const listed = rows.map(([, type, retryable, benign]) => [
    type,
    { retryable: retryable === 'yes', benign: benign === 'yes' },
  ]);
  assert.deepEqual(listed, Object.entries(FAILURES));
});
