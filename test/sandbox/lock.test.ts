import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { isLocked, tryLock, withLock } from '../../sandbox/lock.ts';

const directory = mkdtempSync(join(tmpdir(), 'headroom-lock-'));
const LOCK = new URL('../../sandbox/lock.ts', import.meta.url).href;

after(() => rmSync(directory, { recursive: true }));

describe('locking a file', () => {
  it('gives it to one at a time', () => {
    const file = join(directory, 'one');
    const lock = tryLock(file);
    assert.ok(lock);
    assert.equal(tryLock(file), undefined);
    lock.release();
    assert.equal(isLocked(file), false);
  });

  it('takes over from a process that was killed', async () => {
    const file = join(directory, 'killed');
    const source = `import { tryLock } from '${LOCK}'; tryLock('${file}'); console.log('locked'); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(holder.stdout, 'data');
    assert.equal(isLocked(file), true);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    assert.equal(isLocked(file), false);
  });

  it('says once that it waits, and works when its turn comes', async () => {
    const file = join(directory, 'turns');
    const seen: string[] = [];
    const lock = tryLock(file);
    const second = withLock(
      file,
      () => seen.push('waiting'),
      async () => seen.push('working'),
    );
    seen.push('first leaves');
    setTimeout(() => lock?.release(), 300);
    await second;
    assert.deepEqual(seen, ['waiting', 'first leaves', 'working']);
  });

  it('is free again when the work fails', async () => {
    const file = join(directory, 'fails');
    const work = withLock(
      file,
      () => {},
      () => Promise.reject(new Error('no luck')),
    );
    await assert.rejects(work, /no luck/);
    assert.equal(isLocked(file), false);
  });
});
