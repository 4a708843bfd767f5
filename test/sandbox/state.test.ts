import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { tryLock } from '../../sandbox/lock.ts';
import {
  isRunning,
  listSandboxes,
  lockFile,
  readName,
  readStatus,
  sandboxDirectory,
  writeStatus,
  type SandboxStatus,
} from '../../sandbox/state.ts';

const root = mkdtempSync(join(tmpdir(), 'headroom-state-'));
process.env['XDG_STATE_HOME'] = root;
after(() => rmSync(root, { recursive: true }));

function aStatus(name: string): SandboxStatus {
  const directory = sandboxDirectory(name);
  mkdirSync(directory, { recursive: true });
  return {
    name,
    state: 'ready',
    directory,
    startedAt: '2026-11-24T00:00:00.000Z',
    extras: [],
    problems: [],
    addresses: { temporal: '', temporalUi: '', kubernetes: '', prometheus: '', exporter: '', control: '' },
    temporal: { namespace: 'default', configFile: '', profile: 'default' },
    kubeconfig: { admin: '' },
    auditLog: '',
    versions: {},
    pids: { supervisor: process.pid },
    programs: [],
    logs: '',
  };
}

describe('naming a sandbox', () => {
  for (const name of ['default', 'a', '7-up', 'x'.repeat(40)])
    it(`accepts ${name}`, () => assert.equal(readName(name), name));
  for (const name of ['', 'Default', 'a b', '../etc', 'a_b', 'x'.repeat(41), '.hidden']) {
    it(`refuses "${name}" and says what is accepted`, () =>
      assert.throws(() => readName(name), /1 to 40 characters out of a-z/));
  }
});

describe('reading the state of a sandbox', () => {
  it('knows none where none was started', () => {
    assert.equal(readStatus(sandboxDirectory('never')), undefined);
  });

  it('believes a supervisor that holds its lock', () => {
    const status = aStatus('alive');
    const lock = tryLock(lockFile(status.directory));
    writeStatus(status);
    assert.deepEqual(readStatus(status.directory), status);
    lock?.release();
  });

  it('knows that a new supervisor has begun where the one that wrote last is dead', () => {
    const status = { ...aStatus('again'), pids: { supervisor: 2 ** 30 } };
    const lock = tryLock(lockFile(status.directory));
    writeStatus(status);
    assert.deepEqual(readStatus(status.directory), { ...status, state: 'starting', pids: {} });
    lock?.release();
    rmSync(status.directory, { recursive: true });
  });

  it('calls it crashed when nobody holds the lock, and names no pid that may be somebody else', () => {
    const status = aStatus('dead');
    writeStatus(status);
    const read = readStatus(status.directory);
    assert.equal(read?.state, 'crashed');
    assert.deepEqual(read.pids, {});
    assert.equal(isRunning(read), false);
  });

  it('lists every sandbox of the user, and takes no lock file for one', () => {
    assert.ok(dirname(lockFile(sandboxDirectory('alive'))) === dirname(sandboxDirectory('alive')));
    assert.deepEqual(
      listSandboxes().map(({ name }) => name),
      ['alive', 'dead'],
    );
  });
});
